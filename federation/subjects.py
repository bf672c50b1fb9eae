"""Names that cross between cities: issuers, member and application ids, and the subject of a grant. Pure."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

MEMBER_ID = re.compile(r"[a-z][a-z0-9-]{1,30}")
APPLICATION_ID = re.compile(r"[a-z][a-z0-9-]{1,62}")
ANONYMOUS_ID = "anonymous"
MAX_ISSUER_CHARS = 200

_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\]")


def is_application_id(text: str) -> bool:
    """True for an id that an application may have; `anonymous` is reserved for callers without a token."""
    return text != ANONYMOUS_ID and APPLICATION_ID.fullmatch(text) is not None


def is_issuer(text: str) -> bool:
    """True for `https://host` or `http://host`, with a port if need be, and nothing behind: an origin (RFC 6454)."""
    if len(text) > MAX_ISSUER_CHARS or not text.isascii() or not text.isprintable():
        return False
    try:
        parts = urlsplit(text)
        port = f":{parts.port}" if parts.port is not None else ""
    except ValueError:
        return False
    host = parts.netloc.removesuffix(port)
    return (
        parts.scheme in {"https", "http"} and bool(_HOST.fullmatch(host)) and text == f"{parts.scheme}://{host}{port}"
    )


def subject_of(issuer: str, application: str | None) -> str:
    """The subject under which a home node vouches for one of its applications, or for a caller without token."""
    return f"{issuer}#{application or ANONYMOUS_ID}"


def application_of(subject: str, issuer: str) -> str | None:
    """The application id in a subject of `issuer`; None if the subject is not this issuer's to give."""
    home, mark, application = subject.partition("#")
    if home != issuer or not mark or not APPLICATION_ID.fullmatch(application):
        return None
    return application
