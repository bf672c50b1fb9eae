"""Which cities a root field is for: itself, peers, or nobody because nobody can have a match."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from federation.membership import Member, Membership
from federation.report import CityReport, State
from federation.summary import Absence
from policy.model import Caller
from schema.errors import BadInput, Forbidden
from schema.ids import parse_id
from schema.selection import Field

_OBSERVED = {"filter.datastreams": "datastream", "filter.datasets": "dataset", "filter.things": "thing"}
_IDS = {
    "datasets": {"filter.ids": "dataset"},
    "datasetFacets": {"filter.ids": "dataset"},
    "things": {"filter.ids": "thing", "filter.datasets": "dataset"},
    "datastreams": {"filter.ids": "datastream", "filter.datasets": "dataset", "filter.things": "thing"},
    "observations": _OBSERVED,
    "aggregate": _OBSERVED,
    "newObservations": {"datastreams": "datastream"},
    "series": {"datastreams": "datastream"},
}


WhySkip = Callable[[Member, str, Mapping[str, Any]], Absence | None]
"""Why a member can have no match for a root field with these arguments; None if it may have one."""


def _never(_member: Member, _root: str, _arguments: Mapping[str, Any]) -> Absence | None:
    return None


@dataclass(frozen=True, slots=True)
class Targets:
    """Own city, peers to ask, and reports of cities that are not asked."""

    own: bool
    peers: Mapping[str, Member]
    skipped: Sequence[CityReport]


def targets_of(field: Field, caller: Caller, own: str, membership: Membership, why_skip: WhySkip = _never) -> Targets:
    """Choose from the `cities` argument, the members, the ids that are named, and what is known of the members.

    Raises:
        BadInput: an unknown city, or a malformed id.
        Forbidden: a peer asks for other cities' data: a question crosses one border only.
    """
    wanted = _wanted(field, own, membership) if caller.peer is None else _only_own(field, own)
    named = _named_cities(field)
    peers: dict[str, Member] = {}
    skipped: list[CityReport] = []
    for city in wanted:
        member = membership.by_id(city)
        if named is not None and city not in named:
            skipped.append(CityReport(city, State.SKIPPED, reason="only ids of other cities are named"))
        elif city == own:
            continue
        elif member is None or member.status != "ACTIVE":
            skipped.append(CityReport(city, State.DENIED, reason="its membership is suspended"))
        elif (absence := why_skip(member, field.name, field.arguments)) is not None:
            skipped.append(CityReport(city, State.SKIPPED, as_of=absence.as_of, reason=absence.reason))
        else:
            peers[city] = member
    return Targets(own in wanted and (named is None or own in named), peers, skipped)


def _wanted(field: Field, own: str, membership: Membership) -> list[str]:
    cities: list[str] | None = field.arguments.get("cities")
    members = [member.id for member in membership.members]
    if cities is None:
        return list(dict.fromkeys([own, *members]))
    for city in cities:
        if city != own and membership.by_id(city) is None:
            known = ", ".join(sorted({own, *members}))
            raise BadInput(f"cities: {city[:40]!r} is not a member", hint=f"members are {known}")
    return list(dict.fromkeys(cities))


def _only_own(field: Field, own: str) -> list[str]:
    cities = field.arguments.get("cities")
    if cities is not None and list(cities) != [own]:
        raise Forbidden("cities: a node answers another node for its own city only", hint=f"ask for cities: [{own}]")
    return [own]


def _named_cities(field: Field) -> set[str] | None:
    """The cities that can have a match, judged by the ids that are named; None if there are none."""
    found: set[str] | None = None
    for argument, kind in _IDS.get(field.name, {}).items():
        ids: Any = field.arguments
        for name in argument.split("."):
            ids = (ids or {}).get(name)
        if ids is not None:
            cities = {parse_id(one, kind=kind, argument=argument).city for one in ids}
            found = cities if found is None else found & cities
    return found
