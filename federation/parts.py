"""Results that are made of parts of several cities. Pure.

A list is merged row by row (`federation.merge`). A result has no pages: every owner gives its whole part, and the plan
of its type says how the parts become one: `federation.elements` puts series and groups side by side,
`federation.facets` adds counts up. The plans are chosen in `federation.results`.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import msgspec

from federation.question import ALIAS, HOME_ONLY, owners_report
from schema.selection import Argument, Field


@dataclass(frozen=True, slots=True)
class CityPart:
    """What one city gave: how much it counts for in the report, and the part itself in the form of its plan."""

    rows: int
    value: Any


class PartsPlan(Protocol):
    """How one root field is split over owners and put together again."""

    @property
    def root(self) -> Field:
        """The root field that the caller asked for."""
        ...

    def owner_field(self, city: str) -> Field:
        """The root field for one owner. For callers' questions of one shape it differs in values only."""
        ...

    def read(self, city: str, members: Mapping[str, bytes | msgspec.Raw]) -> CityPart:
        """A city's part from the members of its answer, by response key.

        Raises:
            PeerIncompatible: it is not what was asked for.
        """
        ...

    def assemble(self, parts: Mapping[str, CityPart]) -> dict[str, bytes]:
        """What the caller selected of the parts as JSON, by response key. The order of `parts` does not matter."""
        ...


def ask_owner(plan: PartsPlan, children: tuple[Field, ...], layout: Hashable = None, **arguments: Argument) -> Field:
    """The caller's root field for one owner: with these arguments and children, and its report.

    Of a question of one shape each type of plan asks something else, and so does one that lays its parts out otherwise.
    """
    root = plan.root
    shape = None if root.shape is None else (ALIAS, root.shape, type(plan), layout)
    asked = root.with_arguments(**HOME_ONLY, **arguments)
    return replace(asked, key=ALIAS, children=(*children, owners_report()), shape=shape)


def cities_in_order(root: Field, parts: Mapping[str, CityPart]) -> list[str]:
    """The cities that gave a part as the caller named them, or by their ids: the same at every node."""
    named = root.arguments.get("cities")
    return sorted(parts) if named is None else [city for city in dict.fromkeys(named) if city in parts]


def json_object(members: Mapping[str, bytes]) -> bytes:
    """The JSON object of prepared values by response key, which needs no escaping."""
    return b"{" + b",".join(b'"' + key.encode() + b'":' + value for key, value in members.items()) + b"}"
