"""Content negotiation: which of the forms that we have does the client want (RFC 9110, 12.5). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

MAX_HEADER = 1_000  # characters; a longer header is taken as absent
RESPONSE_JSON = "application/graphql-response+json"
JSON = "application/json"
PARTS = "multipart/mixed"
EVENTS = "text/event-stream"
IDENTITY = "identity"
ENCODINGS = ("zstd", "gzip", "br")  # what costs us least comes first

_UTF8 = {"utf-8", "utf8"}
_ITEM = re.compile(r"\s*([^\s,;]+)\s*((?:;[^,;]*)*)")
_QUALITY = re.compile(r";\s*q=([01](?:\.\d{0,3})?)\s*(?:;|$)", re.IGNORECASE)


def media_type(accept: str | None) -> str | None:
    """The media type of the answer, or None if the client wants none of ours.

    Without the header it is the newer one (GraphQL over HTTP, Legacy watershed). `*/*` is what clients from before that
    specification send without being asked, and gets `application/json`.
    """
    if not accept or len(accept) > MAX_HEADER:
        return RESPONSE_JSON
    return _media_type(accept)


def accepts_parts(accept: str | None) -> bool:
    """Whether the client takes an answer in parts, in the form that the specification has now.

    An older form had no `pending`; clients that want it say so by `deferSpec`.
    """
    return accept is not None and "multipart/mixed" in accept and len(accept) <= MAX_HEADER and _parts(accept)


def accepts_events(accept: str | None) -> bool:
    """Whether the client asks for server-sent events, by name."""
    return accept is not None and EVENTS in accept and len(accept) <= MAX_HEADER and _events(accept)


def encoding(accept_encoding: str | None, ours: Sequence[str] = ENCODINGS) -> str:
    """The content coding of the answer; identity unless the client names one of ours. What we like best comes first."""
    if not accept_encoding or len(accept_encoding) > MAX_HEADER:
        return IDENTITY
    return _encoding(accept_encoding, tuple(ours))


def is_json(content_type: str) -> bool:
    """True for `application/json` in UTF-8, which is what it means without a charset."""
    if content_type == JSON:
        return True
    kind, *parameters = (part.strip().lower() for part in content_type[:MAX_HEADER].split(";"))
    charsets = (value.strip('"') for name, _, value in (one.partition("=") for one in parameters) if name == "charset")
    return kind == JSON and all(charset in _UTF8 for charset in charsets)


@lru_cache(maxsize=256)
def _media_type(accept: str) -> str | None:
    qualities = dict(_qualities(accept))
    best, chosen = 0.0, None
    for offered in (JSON, RESPONSE_JSON):
        quality = next((qualities[name] for name in (offered, "application/*", "*/*") if name in qualities), 0.0)
        # named on a par with application/json, the newer type is the one that the client is made for
        if quality > best or (quality == best > 0 and offered in qualities):
            best, chosen = quality, offered
    return chosen


@lru_cache(maxsize=256)
def _parts(accept: str) -> bool:
    for match in _ITEM.finditer(accept):
        if match[1].lower() == PARTS and "deferspec" not in match[2].lower():
            quality = _QUALITY.search(match[2])
            return quality is None or float(quality[1]) > 0
    return False


@lru_cache(maxsize=256)
def _events(accept: str) -> bool:
    return dict(_qualities(accept)).get(EVENTS, 0.0) > 0


@lru_cache(maxsize=256)
def _encoding(accept_encoding: str, ours: tuple[str, ...]) -> str:
    qualities = dict(_qualities(accept_encoding))
    anything = qualities.get("*", 0.0)
    best, chosen = 0.0, IDENTITY
    for offered in ours:
        quality = qualities.get(offered, anything)
        if quality > best:
            best, chosen = quality, offered
    return chosen if best >= qualities.get(IDENTITY, 0.0) else IDENTITY


def _qualities(header: str) -> Iterator[tuple[str, float]]:
    for match in _ITEM.finditer(header):
        quality = _QUALITY.search(match[2])
        yield match[1].lower(), min(1.0, float(quality[1])) if quality else 1.0
