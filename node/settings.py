"""A node's settings: the file `verbund.toml` in its home directory, overridden by `VERBUND_…` variables.

The only reader of the environment. Every setting is checked at start; an error names the setting, the value and the
remedy. There is no default for anything secret, and insecure switches carry `unsafe` in their name.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from federation.subjects import is_issuer

FILE_NAME = "verbund.toml"
PREFIX = "VERBUND_"
NOT_IN_FILE = (
    "key_passphrase: must not stand in a file beside the keys. Set it as VERBUND_KEY_PASSPHRASE, or name a file that is"
    " kept apart with key_passphrase_file"
)
LISTS = frozenset({"peer_networks"})  # of which a variable holds several, with commas between them
CITY_ID = re.compile(r"[a-z][a-z0-9-]{1,30}")

Positive = Annotated[int, Meta(ge=1)]
Seconds = Annotated[int, Meta(ge=0, le=3_600)]
Share = Annotated[float, Meta(ge=0, le=1)]
Interval = Annotated[int, Meta(ge=1, le=3_600)]
Port = Annotated[int, Meta(ge=1, le=65535)]


class SettingsError(Exception):
    """The settings can't be used. Its text has a line per problem: setting, value, remedy."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Secret:
    """Text that shows itself to nobody who does not ask for it."""

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The text itself."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bounds on what comes from outside. Times in milliseconds, sizes in bytes."""

    body_bytes: Positive = 131_072
    tokens: Positive = 2_000
    depth: Positive = 12
    aliases: Positive = 50
    directives: Positive = 50
    selections: Positive = 1_000
    root_fields: Positive = 10
    operations: Positive = 10
    page: Positive = 1_000
    observations_page: Positive = 10_000
    rows: Positive = 100_000
    cost: Positive = 200_000
    answer_bytes: Positive = 32_000_000
    request_ms: Positive = 10_000
    page_ms: Positive = 2_500
    peer_ms: Positive = 4_000
    statement_ms: Positive = 8_000
    peer_bytes: Positive = 32_000_000
    peers_at_once: Positive = 64


class Portal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a city tells on its pages. What is missing is marked there as still to be filled."""

    operator: str | None = None
    address: str | None = None
    represented_by: str | None = None
    email: str | None = None
    telephone: str | None = None
    data_protection: str | None = None
    accessibility_contact: str | None = None
    accessibility_checked: str | None = None
    accessibility_gaps: str | None = None
    easy_language: str | None = None
    sign_language: str | None = None
    tiles: str | None = None
    tiles_attribution: str | None = None


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All settings of a node. See `docs/settings.md`."""

    city: str
    name: str
    issuer: str
    home: Path
    ags: str | None = None
    host: str = "127.0.0.1"
    port: Port = 8080
    workers: Positive = 1
    pool_size: Positive = 10
    database_url: str | None = None
    log_level: str = "info"
    log_format: Literal["text", "json"] = "text"
    metrics_host: str = "127.0.0.1"
    metrics_port: Port | None = None
    otlp_endpoint: str | None = None
    trace_share: Share = 0.05
    keys_directory: Path | None = None
    key_passphrase_file: Path | None = None
    key_passphrase: Secret | None = None
    peer_networks: tuple[str, ...] = ()
    ca_file: Path | None = None
    mqtt_url: str | None = None
    mqtt_topic: str = "v1.1/+/Observations"
    mqtt_password_file: Path | None = None
    unsafe_plain_http: bool = False
    demo: bool = False
    trusted_documents_only: bool = False
    identity_provider: str | None = None
    identity_provider_client_id: str = "verbund"
    summaries_every_s: Seconds = 20
    membership_every_s: Annotated[int, Meta(ge=1, le=3_600)] = 60
    witness_every_s: Interval = 30
    share_unwitnessed_s: Positive = 14_400
    keep_accesses_days: Positive = 730
    keep_security_days: Positive = 90
    limits: Limits = msgspec.field(default_factory=Limits)
    portal: Portal = msgspec.field(default_factory=Portal)

    @property
    def graphql_url(self) -> str:
        """This node's GraphQL endpoint: the audience of its access tokens."""
        return f"{self.issuer}/graphql"

    @property
    def token_endpoint(self) -> str:
        """Where applications and peers get tokens."""
        return f"{self.issuer}/oauth/token"

    @property
    def keys_home(self) -> Path:
        """The directory with the node's private keys."""
        return self.home / (self.keys_directory or "keys")

    @property
    def signing_key_file(self) -> Path:
        """The first private key with which this node signs tokens and vouches for its applications."""
        return self.keys_home / "signing.pem"

    @property
    def log_key_file(self) -> Path:
        """The private key with which this node signs the heads of its log."""
        return self.keys_home / "log.pem"

    @property
    def witness_key_file(self) -> Path:
        """The private key with which this node cosigns the heads of other members' logs."""
        return self.keys_home / "witness.pem"

    @property
    def anchors_directory(self) -> Path:
        """The anchors that this node trusts, one `*.json` each, as `verbund member join` puts them there."""
        return self.home / "anchors"

    @property
    def policies_directory(self) -> Path:
        """The city's own rules (`*.cedar`) and what they have to decide (`expectations.toml`), optional."""
        return self.home / "policies"

    @property
    def trusted_documents_directory(self) -> Path:
        """Documents (`*.graphql`) that callers can name by their hash, optional."""
        return self.home / "documents"

    @property
    def postgres_directory(self) -> Path:
        """Data of the embedded PostgreSQL, if no `database_url` is set."""
        return self.home / "postgres"


_TABLES: Mapping[str, type[msgspec.Struct]] = {"limits": Limits, "portal": Portal}


def load_settings(home: Path, environment: Mapping[str, str] | None = None) -> Settings:
    """Read and check the settings of the node in `home`.

    Raises:
        SettingsError: a setting is missing, unknown or wrong.
    """
    environment = os.environ if environment is None else environment
    values = _read_file(home / FILE_NAME)
    if "key_passphrase" in values:
        raise SettingsError([NOT_IN_FILE])
    overrides = _from_environment(environment)
    for name in _TABLES:
        table = values.get(name, {})
        if not isinstance(table, dict):
            raise SettingsError(
                [f"{name}: {table!r} is not a table. Write [{name}] with a line for each of its settings"]
            )
        values[name] = {**table, **overrides.pop(name, {})}
    values.update(overrides)
    values["home"] = str(home.resolve())
    try:
        settings = msgspec.convert(values, Settings, strict=False, dec_hook=_path)
    except msgspec.ValidationError as error:
        raise SettingsError([_explain(str(error), home / FILE_NAME)]) from None
    if problems := list(_problems(settings)):
        raise SettingsError(problems)
    return settings


def home_directory(environment: Mapping[str, str] | None = None) -> Path:
    """The node's home if no `--home` is given: `VERBUND_HOME`, else the current directory."""
    environment = os.environ if environment is None else environment
    return Path(environment.get(f"{PREFIX}HOME", "."))


def hand_over(**values: str) -> None:
    """Put settings into the environment of the worker processes that this process will start."""
    os.environ.update({f"{PREFIX}{name.upper()}": value for name, value in values.items()})


def keep_large_blocks() -> None:
    """Let the processes that this one starts keep blocks of up to 4 MB for the next answer (mallopt(3), glibc only).

    To fetch the pages of each block anew takes a fifth of the time of a large answer, here as in PostgreSQL. What the
    operator has set stays.
    """
    os.environ.setdefault("MALLOC_MMAP_THRESHOLD_", str(4 * 2**20))
    os.environ.setdefault("MALLOC_TRIM_THRESHOLD_", str(8 * 2**20))


def _read_file(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise SettingsError([f"{path} does not exist: run `verbund init` or name the node's home with --home"])
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError([f"{path} is not valid TOML: {error}"]) from None


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for variable, value in environment.items():
        name = variable.removeprefix(PREFIX).lower()
        if not variable.startswith(PREFIX) or name == "home":
            continue
        table, _, entry = name.partition("_")
        if name in Settings.__struct_fields__ and name not in _TABLES:
            found[name] = [part.strip() for part in value.split(",") if part.strip()] if name in LISTS else value
        elif table in _TABLES and entry in _TABLES[table].__struct_fields__:
            found.setdefault(table, {})[entry] = value
        else:
            raise SettingsError([f"{variable} is not a setting: remove it; the settings are in docs/settings.md"])
    return found


def _path(kind: type, value: Any) -> Any:
    if kind in {Path, Secret} and isinstance(value, str):
        return kind(value)
    raise NotImplementedError(kind)


def _explain(message: str, path: Path) -> str:
    """Turn msgspec's message into: setting, problem, remedy."""
    problem, _, where = message.partition(" - at `$.")
    named = re.search(r"field `(\w+)`", problem)
    setting = ".".join(part for part in (where.rstrip("`"), named[1] if named else "") if part)
    if "unknown field" in problem:
        return f"{setting}: is not a setting. Remove it from {path}; the settings are in docs/settings.md"
    return f"{setting}: {problem}. Set it in {path} or as {PREFIX}{setting.upper().replace('.', '_')}"


def _is_provider(settings: Settings) -> bool:
    address = settings.identity_provider or ""
    schemes = ("https://", "http://") if settings.unsafe_plain_http else ("https://",)
    return address.startswith(schemes) and address.isascii() and address.isprintable() and " " not in address


def _problems(settings: Settings) -> list[str]:
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
    if settings.database_url is not None and not settings.database_url.startswith(("postgresql://", "postgres://")):
        problems.append("database_url: is not a PostgreSQL URL. Use postgresql://user:password@host/database")
    if settings.ags is not None and not re.fullmatch(r"\d{8}", settings.ags):
        problems.append(f"ags: {settings.ags!r} is not an official municipality key. Use 8 digits, e.g. 06531005")
    problems += _portal_problems(settings.portal)
    if settings.key_passphrase is not None and settings.key_passphrase_file is not None:
        problems.append("key_passphrase: key_passphrase_file is set, too. Use one of them")
    if settings.otlp_endpoint is not None and not settings.otlp_endpoint.startswith(("http://", "https://")):
        problems.append(
            f"otlp_endpoint: {settings.otlp_endpoint!r} is not a URL. Use the collector's for OTLP over HTTP, e.g."
            " http://collector:4318"
        )
    problems += _broker_problems(settings)
    if settings.metrics_port is not None and settings.metrics_port == settings.port:
        problems.append("metrics_port: is the node's own port, which everybody reaches. Use another one, e.g. 9464")
    if settings.identity_provider is not None and not _is_provider(settings):
        problems.append(
            f"identity_provider: {settings.identity_provider!r} is not an issuer URL. Use https://host, with the"
            " path that the provider names in its metadata"
        )
    problems += [_no_network(network) for network in settings.peer_networks if not _is_network(network)]
    if settings.log_level not in {"debug", "info", "warning", "error"}:
        problems.append(f"log_level: {settings.log_level!r} is unknown. Use debug, info, warning or error")
    return problems


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
    schemes = ("mqtts://", "mqtt://") if settings.unsafe_plain_http else ("mqtts://",)
    if not settings.mqtt_url.startswith(schemes):
        return ["mqtt_url: is no address of an encrypted broker. Use mqtts://user@host:8883"]
    user, at, _ = settings.mqtt_url.partition("://")[2].partition("@")
    if at and ":" in user:
        return ["mqtt_url: holds a password. Put it into a file and name that with mqtt_password_file"]
    return []
