"""Which cities a list is for, and the federation report, in plain Python: one city, and perhaps a suspended member."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from schema.errors import BadInput, Forbidden, Incomplete
from schema.ids import parse_id
from tests.oracle.comparison import NUMBER, TEXT, TIME
from tests.oracle.view import View
from tests.oracle.world import CITY, SUSPENDED

_NAMING = {
    "datasets": {"ids": "dataset"},
    "datasetFacets": {"ids": "dataset"},
    "things": {"ids": "thing", "datasets": "dataset"},
    "datastreams": {"ids": "datastream", "datasets": "dataset", "things": "thing"},
    "observations": {"datastreams": "datastream", "datasets": "dataset", "things": "thing"},
}


@dataclass(frozen=True)
class Reach:
    """States of the cities that a list is for."""

    states: Mapping[str, str]

    @property
    def asks_own(self) -> bool:
        return self.states.get(CITY) == "OK"

    @property
    def away(self) -> dict[str, None]:
        """Cities whose rows are still to come."""
        return {city: None for city, state in self.states.items() if state == "DENIED"}

    def require(self, arguments: Mapping[str, Any]) -> None:
        """Raises Incomplete if more cities are required than answered."""
        answered = sum(state in {"OK", "SKIPPED"} for state in self.states.values())
        if arguments["require"] == "ALL" and self.away:
            raise Incomplete("not every city answered")
        if arguments["require"] == "QUORUM" and answered < arguments["quorum"]:
            raise Incomplete("too few cities answered")

    def report(self, rows: int) -> dict[str, Any]:
        """The FederationReport."""
        cities = [_city_report(city, state, rows) for city, state in sorted(self.states.items())]
        return {"complete": not self.away, "cities": cities}


def reach(view: View, field: str, arguments: Mapping[str, Any]) -> Reach:
    """Who is asked.

    Raises:
        Forbidden: a city asks for more than one hop.
        BadInput: an unknown city, or a malformed id.
    """
    wanted = arguments["cities"]
    members = [CITY, *([SUSPENDED] if view.world.has_suspended else [])]
    if view.caller.peer is not None:
        if wanted is not None and wanted != [CITY]:
            raise Forbidden("one hop")
        wanted = [CITY]
    if wanted is None:
        wanted = members
    if not set(wanted) <= set(members):
        raise BadInput("cities")
    named = _named(field, arguments["filter"] or {})
    return Reach({city: _state(city, named) for city in wanted})


def _named(field: str, values: Mapping[str, Any]) -> set[str] | None:
    found: set[str] | None = None
    for name, kind in _NAMING[field].items():
        ids = values.get(name)
        if ids is not None:
            cities = {parse_id(one, kind=kind, argument=name).city for one in ids}
            found = cities if found is None else found & cities
    return found


def _state(city: str, named: set[str] | None) -> str:
    if named is not None and city not in named:
        return "SKIPPED"
    return "OK" if city == CITY else "DENIED"


def _city_report(city: str, state: str, rows: int) -> dict[str, Any]:
    answered = state == "OK"
    return {
        "city": city,
        "state": state,
        "asOf": TIME if answered else None,
        "rows": rows if answered else 0,
        "late": 0,
        "tookMs": NUMBER if answered else 0.0,
        "policyVersion": TEXT if answered else None,
        "obligations": [],
        "log": "UNKNOWN",
        "reason": None if answered else TEXT,
    }
