"""What types and bounds can't tell of a setting. Pure; a problem names the setting, the value and the remedy."""

from __future__ import annotations

import re
from ipaddress import ip_network
from urllib.parse import urlsplit

from federation.subjects import is_issuer
from node.settings.desk import Desk
from node.settings.model import Settings
from node.settings.portal import Portal

CITY_ID = re.compile(r"[a-z][a-z0-9-]{1,30}")
_HOST = r"(\[[^\[\]@/\s]+\]|[^\[\]:,@/?#\s]*)(:\d*)?"
_DATABASE = re.compile(rf"postgres(ql)?://([^@/?#\s]*@)?{_HOST}(,{_HOST})*(/[^@?#\s]*)?(\?[^@#\s]*)?")
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})|%00")


def problems_of(settings: Settings) -> list[str]:
    """All that is wrong, a line each."""
    return [
        *_identity_problems(settings),
        *_portal_problems(settings.portal),
        *_desk_problems(settings.desk),
        *_service_problems(settings),
        *_broker_problems(settings),
        *[_no_network(network) for network in settings.peer_networks if not _is_network(network)],
    ]


def _identity_problems(settings: Settings) -> list[str]:
    problems = []
    if not CITY_ID.fullmatch(settings.city):
        problems.append(
            f"city: {settings.city!r} is not a city id. Use small letters, digits and hyphens, e.g. giessen"
        )
    if not is_issuer(settings.issuer):
        problems.append(
            f"issuer: {settings.issuer!r} is not an issuer URL. Use https://host in small letters, with no"
            " path and no slash at the end"
        )
    elif settings.issuer.startswith("http:") and not settings.unsafe_plain_http:
        problems.append(
            f"issuer: {settings.issuer!r} is not encrypted. Use https, or for a trial on one machine set"
            " unsafe_plain_http = true"
        )
    if settings.ags is not None and not re.fullmatch(r"\d{8}", settings.ags):
        problems.append(f"ags: {settings.ags!r} is not an official municipality key. Use 8 digits, e.g. 06531005")
    if settings.key_passphrase is not None and settings.key_passphrase_file is not None:
        problems.append("key_passphrase: key_passphrase_file is set, too. Use one of them")
    return problems


def _service_problems(settings: Settings) -> list[str]:
    problems = []
    if settings.database_url is not None and not settings.database_url.startswith(("postgresql://", "postgres://")):
        problems.append("database_url: is not a PostgreSQL URL. Use postgresql://user:password@host/database")
    elif settings.database_url is not None and not _is_database(settings.database_url):
        problems.append(
            "database_url: can't be read. Use postgresql://user:password@host:5432/database, in which user and password"
            " have %25 for %, %2F for /, %3A for :, %40 for @, %3F for ?, %23 for #, %20 for a space"
        )
    if settings.otlp_endpoint is not None and not _names_host(settings.otlp_endpoint, "http", "https"):
        problems.append(
            f"otlp_endpoint: {settings.otlp_endpoint!r} is not a URL. Use the collector's for OTLP over HTTP, e.g."
            " http://collector:4318"
        )
    if settings.metrics_port is not None and settings.metrics_port == settings.port:
        problems.append("metrics_port: is the node's own port, which everybody reaches. Use another one, e.g. 9464")
    if settings.identity_provider is not None and not _is_provider(settings):
        problems.append(
            f"identity_provider: {settings.identity_provider!r} is not an issuer URL. Use https://host, with the"
            " path that the provider names in its metadata"
        )
    if settings.log_level not in {"debug", "info", "warning", "error"}:
        problems.append(f"log_level: {settings.log_level!r} is unknown. Use debug, info, warning or error")
    return problems


def _is_database(url: str) -> bool:
    """Asked before libpq is, whose words on what it can't read quote the password."""
    return _DATABASE.fullmatch(url) is not None and _STRAY_PERCENT.search(url) is None


def _names_host(url: str, *schemes: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _is_provider(settings: Settings) -> bool:
    address = settings.identity_provider or ""
    schemes = ("https", "http") if settings.unsafe_plain_http else ("https",)
    return _names_host(address, *schemes) and address.isascii() and address.isprintable() and " " not in address


def _desk_problems(desk: Desk) -> list[str]:
    if "openid" in desk.scope.split():
        return []
    return [f"desk.scope: {desk.scope!r} lacks openid. Write e.g. openid profile"]


def _portal_problems(portal: Portal) -> list[str]:
    problems = []
    for name in ("tiles", "easy_language", "sign_language"):
        url = getattr(portal, name)
        if url is not None and not url.startswith("https://"):
            problems.append(f"portal.{name}: {url!r} is not encrypted. Use an address that begins with https://")
    if portal.tiles is not None and not portal.tiles_attribution:
        problems.append("portal.tiles_attribution: is missing. Name whom the map's tiles are from")
    return problems


def _is_network(text: str) -> bool:
    try:
        ip_network(text)
    except ValueError:
        return False
    return True


def _no_network(text: str) -> str:
    return f"peer_networks: {text!r} is not a network. Use the form 10.20.0.0/16, with no host bits"


def _broker_problems(settings: Settings) -> list[str]:
    if settings.mqtt_url is None:
        return []
    schemes = ("mqtts", "mqtt") if settings.unsafe_plain_http else ("mqtts",)
    if not _names_host(settings.mqtt_url, *schemes):
        return ["mqtt_url: is no address of an encrypted broker. Use mqtts://user@host:8883"]
    user, at, _ = settings.mqtt_url.partition("://")[2].partition("@")
    if at and ":" in user:
        return ["mqtt_url: holds a password. Put it into a file and name that with mqtt_password_file"]
    return []
