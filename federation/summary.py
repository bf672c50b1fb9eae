"""What a city has at most, signed by its node, and whether a question can have a match in it. Pure.

A summary is an upper bound of what the city lets others see: what is not in it, nobody else can get there. So whoever
holds it need not ask. It says nothing of data that never leaves the city, and it is short-lived: what a city adds is
found through a filter that had ruled it out as soon as the summary ends.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, NamedTuple

import msgspec
from joserfc.jwk import ECKey

from federation.errors import PeerIncompatible
from federation.jose import JwtError, sign, verify
from federation.membership import Member
from federation.trust.statements import LAST_SECOND

TYP = "summary+jwt"
PATH = "/federation/summary"
HEADER = "Verbund-Summary"  # of answers to other nodes: the version of the summary that the city would give now
LIFETIME = timedelta(seconds=60)
LONGEST = timedelta(minutes=2)  # that is believed of others
CLOCK_SKEW = timedelta(seconds=60)
MAX_BYTES = 65_536
MAX_WORDS = 500  # of themes and of observed properties; a list that would be longer is left out
TIERS = ("OPEN", "SHARED")  # what may leave a city
QUIET = timedelta(days=1)  # a datastream that was silent for so long is not expected to go on within a minute
_PLACED = frozenset({"things", "datastreams", "observations", "aggregate"})  # bbox and near are about things alone
_METRES = 111_000.0  # of a degree of latitude: less than there are, so that nothing is left out
_WORLD = (-180.0, -90.0, 180.0, 90.0)
_UNNARROWED = frozenset({"datasetFacets"})  # each facet counts without its own filter

Corners = tuple[float, float, float, float]
_Word = Annotated[str, msgspec.Meta(max_length=200)]
_Words = Annotated[list[_Word], msgspec.Meta(max_length=MAX_WORDS)]
_Second = Annotated[int, msgspec.Meta(ge=0, le=LAST_SECOND)]
_Count = Annotated[int, msgspec.Meta(ge=0)]


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The data of a city that may leave it.

    `tiers`: number of datasets. `themes` and `properties`: all codes and keys that occur, or None if they are too many.
    `box`: west, south, east, north of all places of things; None if there are none. `observed`: start of the first and
    start of the last observation; None if there are none.
    """

    tiers: dict[str, _Count]
    themes: _Words | None
    properties: _Words | None
    box: Corners | None
    observed: tuple[datetime, datetime] | None


class _Claims(msgspec.Struct):
    iss: str
    sub: str
    iat: _Second
    exp: _Second
    summary: Summary


@dataclass(frozen=True, slots=True)
class Proven:
    """A summary that its city signed, and when that was and ends."""

    summary: Summary
    version: str
    issued_at: datetime
    expires_at: datetime


class Absence(NamedTuple):
    """Why a city can have no match, and as of when that is known."""

    reason: str
    as_of: datetime | None = None


def version_of(summary: Summary) -> str:
    """The same for equal summaries, whichever worker of a node has made them."""
    return hashlib.sha256(msgspec.json.encode(summary, order="sorted")).hexdigest()[:16]


def as_released(summary: Summary, *, moved_m: int, step_s: int) -> Summary:
    """The summary of data that leaves with places moved by up to so many metres, and times put into steps so long."""
    box, observed = summary.box, summary.observed
    if box is not None and moved_m:
        west, south, east, north = box
        aside = moved_m / _METRES
        farthest = min(max(abs(south), abs(north)) + aside, 90.0)
        along = aside / max(math.cos(math.radians(farthest)), 0.01)
        box = (west - along, south - aside, east + along, north + aside)
        if box[0] < -180 or box[1] < -90 or box[2] > 180 or box[3] > 90:  # across the date line or a pole
            box = _WORLD
    if observed is not None and step_s:
        observed = observed[0] - timedelta(seconds=step_s), observed[1]
    return Summary(
        tiers=summary.tiers, themes=summary.themes, properties=summary.properties, box=box, observed=observed
    )


def sign_summary(summary: Summary, city: str, issuer: str, key: ECKey, now: datetime) -> bytes:
    """The summary as a compact JWS (ES256, `typ` summary+jwt) that is valid for `LIFETIME`."""
    start = int(now.timestamp())
    claims = _Claims(issuer, city, start, start + int(LIFETIME.total_seconds()), summary)
    return sign(msgspec.to_builtins(claims), key, TYP).encode()


def verify_summary(token: bytes, member: Member, now: datetime) -> Proven:
    """The summary in `token`, if this member signed it for itself and it is valid at `now` (with a time zone).

    Raises:
        PeerIncompatible: it can't be relied on.
    """
    try:
        claims = msgspec.convert(verify(token, member.keys, {TYP}, MAX_BYTES), _Claims)
    except (JwtError, msgspec.ValidationError) as error:
        raise PeerIncompatible(f"its summary can't be relied on: {error}") from error
    issued, expires = (datetime.fromtimestamp(at, UTC) for at in (claims.iat, claims.exp))
    if (claims.iss, claims.sub) != (member.issuer, member.id):
        raise PeerIncompatible("its summary is another city's")
    if not issued - CLOCK_SKEW <= now < expires or not timedelta() < expires - issued <= LONGEST:
        raise PeerIncompatible("its summary is not valid now")
    return Proven(claims.summary, version_of(claims.summary), issued, expires)


def absence(summary: Summary, root: str, arguments: Mapping[str, Any]) -> str | None:
    """Why a root field can have no match in a city with this summary; None if it may have one."""
    if not any(summary.tiers.get(tier) for tier in TIERS):
        return "no data leaves it"
    wanted: Mapping[str, Any] = arguments.get("filter") or {}
    narrows = root not in _UNNARROWED
    tiers = wanted.get("tiers")
    if narrows and tiers and set(tiers) <= set(TIERS) and not any(summary.tiers.get(tier) for tier in tiers):
        return f"it has no datasets that are {_listed(tiers)}"
    if narrows and _are_disjoint(wanted.get("themes"), summary.themes):
        return f"it has nothing under {_listed(wanted['themes'])}"
    if _are_disjoint(wanted.get("observedProperties"), summary.properties):
        return f"it observes no {_listed(wanted['observedProperties'])}"
    if root in _PLACED and wanted.get("bbox") is not None and _is_outside(wanted["bbox"], summary.box):
        return "its things lie outside the box"
    if root in _PLACED and wanted.get("near") is not None and _is_farther(wanted["near"], summary.box):
        return "its things lie farther away"
    if root == "observations" and _is_unobserved(arguments["during"], summary.observed):
        return "it has no observations of that time"
    return None


def _are_disjoint(wanted: Sequence[str] | None, known: Sequence[str] | None) -> bool:
    return bool(wanted) and known is not None and set(wanted or ()).isdisjoint(known)


def _is_outside(box: Mapping[str, float], known: Corners | None) -> bool:
    if known is None:
        return True
    west, south, east, north = known
    return box["east"] < west or box["west"] > east or box["north"] < south or box["south"] > north


def _is_farther(near: Mapping[str, float], known: Corners | None) -> bool:
    """Whether the box is beyond the circle: beyond a parallel or both meridians between them, as the crow flies."""
    if known is None:
        return True
    west, south, east, north = known
    longitude, latitude, radius = near["longitude"], near["latitude"], near["radiusMetres"]
    if max(south - latitude, latitude - north) * _METRES > radius:
        return True
    if west <= longitude <= east:
        return False
    aside = min(_to_meridian(longitude - edge, latitude) for edge in (west, east))
    return aside * _METRES > radius


def _to_meridian(apart: float, latitude: float) -> float:
    """Degrees of a great circle from a place to the nearest point of a meridian so many degrees away."""
    if math.cos(math.radians(apart)) < 0:  # it is behind a pole
        return 90 - abs(latitude)
    return math.degrees(math.asin(abs(math.sin(math.radians(apart))) * math.cos(math.radians(latitude))))


def _is_unobserved(during: Mapping[str, str], known: tuple[datetime, datetime] | None) -> bool:
    if known is None:
        return False  # nothing yet is soon something: observations come by themselves
    start, end = (datetime.fromisoformat(during[name]) for name in ("start", "end"))
    return end <= known[0] or start > known[1] + QUIET


def _listed(words: Sequence[str]) -> str:
    return ", ".join(word[:40] for word in words[:5])
