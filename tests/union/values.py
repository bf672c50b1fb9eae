"""Values for arguments of documents that any node of several cities may be asked."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from graphql import GraphQLEnumType

from tests.oracle.values import NOTHING, Values, keys_of
from tests.oracle.world import World
from tests.union.worlds import CITIES, NODES

_EDGES = (
    "2025-12-31T22:15:00Z", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00+01:00", "2026-03-28T23:00:00Z",
    "2026-03-31T00:00:00Z", "2026-06-01T11:00:00Z", "2026-10-24T22:00:00Z", "2026-10-26T03:00:00+01:00",
)  # fmt: skip
_STATISTICAL: Mapping[str, tuple[Any, ...]] = {
    "timeZone": ("Europe/Berlin", "UTC", "Asia/Kathmandu", "America/St_Johns"),
    "every": ("P1D", "PT1H", "P1M", "P1Y", "P1W", "PT6H", "PT15M"),
    "compareWith": ("P1Y", "P52W", "P7D", "P1M", "P1D"),
    "at": (0.0, 0.25, 0.5, 0.5, 0.9, 1.0),
    "first": (1, 2, 3, 5),
    "after": (None,),
}


class UnionValues(Values):
    """Chooses ids of all cities, statistics too, and makes no mistakes."""

    def __init__(self, luck: random.Random, worlds: Mapping[str, World]) -> None:
        super().__init__(iter(lambda: luck.getrandbits(16), None), worlds[luck.choice(CITIES)])
        self._worlds = worlds

    def of(self, place: tuple[str, str], type_: Any, given: Mapping[str, Any] = NOTHING) -> Any:
        """A quorum contradicts what else is required."""
        return None if place[1] == "quorum" else super().of(place, type_, given)

    def _wrong(self) -> bool:
        return False

    def _enum(self, type_: GraphQLEnumType, given: Mapping[str, Any]) -> str:
        return "BEST_EFFORT" if type_.name == "Completeness" else super()._enum(type_, given)

    def _id(self, kind: str) -> str:
        city = self.pick(CITIES)
        keys = keys_of(kind, self._worlds[city])
        return f"{city}:{kind}:{self.pick(keys) if keys and not self.chance(10) else 'nichts'}"

    def _city(self) -> str:
        return self.pick(NODES)

    def _interval(self) -> dict[str, str]:
        if self.chance(20):
            return super()._interval()
        start, end = sorted((self.pick(_EDGES), self.pick(_EDGES)))
        return {"start": start, "end": end if end > start else "2026-12-31T00:00:00Z"}

    def _scalar(self, type_name: str, name: str) -> Any:
        return self.pick(_STATISTICAL[name]) if name in _STATISTICAL else super()._scalar(type_name, name)
