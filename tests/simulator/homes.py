"""Simulated nodes: the real executor, gate, fan-out, merge and report over simulated owners."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from federation.fanout import Fanout
from federation.foreign import ForeignSchemas
from federation.membership import Member, Membership
from federation.report import CityReport, State
from federation.shape import Shapes
from node.gate import CityGate
from node.gate.decisions import Ruling
from node.gate.own_data import OwnPage
from policy.model import ANONYMOUS, Action, Grant
from schema.build import build_schema
from schema.cost import CostLimits
from schema.execution import Executor
from schema.ports import Context, Request
from tests.simulator.network import Fate, Network
from tests.simulator.owners import AS_OF, OwnersGate, Row

REQUEST_S = 5.0
SCHEMA = build_schema()
EXECUTOR = Executor(SCHEMA, CostLimits(10_000_000, 10_000_000))


class FakeOwn:
    """Takes the place of `OwnData`."""

    def __init__(self, gate: OwnersGate) -> None:
        self._gate = gate
        self.answer_bytes = 32_000_000

    async def page(self, caller: Any, field: Any, start: Any) -> OwnPage:
        ruling = Ruling(caller, Action.READ_CATALOG, AS_OF, None, 1, None, Grant())  # type: ignore[arg-type]
        report = CityReport(self._gate.city, State.OK, as_of=AS_OF)
        return OwnPage(self._gate.page(field, start), ruling, report)

    def check(self, field: Any) -> None:
        """Everything is right here."""


class FakeLog:
    """Takes the place of `AccessLog`."""

    async def append(self, records: Sequence[Any], document: str, use: object = None) -> None:
        """Nobody reads it."""


async def nobodys(_member: Member) -> bytes:
    """Takes the place of a way to fetch schemas."""
    raise AssertionError("all nodes have one version")


def membership_of(*cities: tuple[str, dict[str, Any]]) -> Membership:
    """Members with these keys."""
    members = tuple(Member(city, city.title(), None, f"https://{city}.example", keys) for city, keys in cities)
    now = datetime.now(UTC)
    return Membership(members, now, now + timedelta(days=1), "list")


class Simulation:
    """A federation of cities with these rows; each of them can be asked."""

    def __init__(self, rows: Mapping[str, Sequence[Row]], fate: Callable[[str], Fate] = lambda _: Fate()) -> None:
        gates = {city: OwnersGate(city, own) for city, own in rows.items()}
        self.network = Network(gates, EXECUTOR, fate)
        membership = membership_of(*((city, {}) for city in rows))
        schema = SCHEMA.graphql
        fanout = Fanout(self.network, Shapes(schema), schema, ForeignSchemas("", nobodys))  # type: ignore[arg-type]
        self.owners = gates
        self._gates = {
            city: CityGate(
                city=city,
                own=FakeOwn(gate),  # type: ignore[arg-type]
                membership=lambda: membership,
                fanout=fanout,
                access_log=FakeLog(),  # type: ignore[arg-type]
                why_skip=lambda *_: None,
            )
            for city, gate in gates.items()
        }

    async def ask(self, entry: str, document: str, **variables: Any) -> dict[str, Any]:
        """The data that the node of `entry` answers with."""
        deadline = asyncio.get_running_loop().time() + REQUEST_S
        request = Request(ANONYMOUS, document, deadline, "0" * 32, f"00-{'0' * 32}-{'0' * 16}-01")
        context = Context(request, self._gates[entry], None)  # type: ignore[arg-type]
        result = await EXECUTOR.execute(document, variables, None, context)
        assert not result.errors, result.errors
        return orjson.loads(result.data or b"null")
