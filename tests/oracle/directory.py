"""This node and its members, the same for both implementations: these fields are not prepared."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import get_type_hints

import strawberry

from schema.types.city import City, CityLog
from schema.types.directory import Node, NodeLimits, Purpose
from schema.types.enums import LogState

NUMBER = 7  # every limit
TIME = datetime(2026, 6, 1, 12, 0, 0, 500_000, tzinfo=UTC)


class FixedDirectory:
    """Fills `schema.ports.Directory`."""

    def node(self) -> Node:
        limits = NodeLimits(**dict.fromkeys(get_type_hints(NodeLimits), NUMBER))
        purposes = [Purpose(id=strawberry.ID("research"), description="Forschung ü")]
        return Node(city=self.cities()[0], version="0", time=TIME, limits=limits, purposes=purposes)

    def cities(self) -> list[City]:
        seen = CityLog(state=LogState.CONSISTENT, size=NUMBER, seen_at=TIME, reason=None)
        caught = CityLog(state=LogState.FORKED, size=None, seen_at=None, reason='two "trees"')
        return [
            City(
                id=strawberry.ID("giessen"),
                name="Gießen",
                ags="06531005",
                issuer="https://x.example",
                status="ACTIVE",
                log=seen,
            ),
            City(
                id=strawberry.ID("marburg"),
                name='Mar"burg',
                ags=None,
                issuer="https://y.example",
                status="ACTIVE",
                log=caught,
            ),
        ]
