"""The real road: the executable schema over a real gate, reader, decisions and access log, for one city."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from federation.membership import Member, Membership, MemberStatus
from federation.parts import json_object
from federation.shape import Shapes
from federation.summary import absence
from node.audit.log import AccessLog
from node.gate import CityGate, Decisions, OwnData
from node.gate.own_data import OwnObject, OwnPage, OwnPart
from node.http.problem import graphql_error
from node.store.limits import PageLimits
from node.store.pool import Pool
from node.store.reader import Reader
from node.store.sessions import Sessions
from node.store.summary import read_summary
from policy.model import Caller
from policy.rules import RuleSet
from schema.budget import Bounds
from schema.build import build_schema
from schema.cost import CostLimits
from schema.cursor import Position
from schema.execution import Executor
from schema.ports import Context, Request
from schema.selection import Field
from tests.oracle.comparison import Answer
from tests.oracle.directory import FixedDirectory
from tests.oracle.limits import OBSERVATIONS, OTHERS
from tests.oracle.question import Question
from tests.oracle.world import CITY, SUSPENDED, World

HUGE = 10**30
_BOUNDS = Bounds(**{field.name: HUGE for field in fields(Bounds) if field.name != "tokens"})
_NOW = datetime.now(UTC)


class NoPeers:
    """Stands for the fan-out: there is nobody to ask."""

    async def pages(self, _plan: Any, peers: Mapping[str, Any], *_: Any) -> dict[str, Any]:
        assert not peers
        return {}

    parts = pages


class Watched(OwnData):
    """What a city answers is what other nodes take; and where its summary rules out a match, they must not get a row."""

    def __init__(self, reader: Reader, decisions: Decisions, pool: Pool) -> None:
        super().__init__(CITY, reader, decisions)
        self._pool = pool

    async def page(self, caller: Caller, field: Field, start: Position | None) -> OwnPage:
        own = await super().page(caller, field, start)
        _taken(field, own.page.columns)
        await self._check(caller, field, own.page.rows)
        return own

    async def part(self, caller: Caller, field: Field) -> OwnPart:
        own = await super().part(caller, field)
        _taken(field, own.part.members)
        counted = sum(len(orjson.loads(value)) for value in own.part.members.values() if value.startswith(b"["))
        await self._check(caller, field, own.part.rows + counted)
        return own

    async def _check(self, caller: Caller, field: Field, rows: int) -> None:
        if caller.is_anonymous or caller.peer is not None:
            why = absence(await read_summary(self._pool), field.name, field.arguments)
            assert why is None or not rows, f"{why}: {field.name} has {rows} rows"
            RULED_OUT[why is not None] += 1

    async def object(self, caller: Caller, field: Field, key: str) -> OwnObject:
        own = await super().object(caller, field, key)
        if own.found.json is not None:
            _shapes().check(CITY, "", field, own.found.json)
        return own


RULED_OUT: Counter[bool] = Counter()
_SCHEMA = build_schema().graphql


def _shapes() -> Shapes:
    """They remember questions by their text, which is not at hand here."""
    return Shapes(_SCHEMA)


def _taken(field: Field, members: Mapping[str, bytes]) -> None:
    """Check an answer as a node does that gets it from another."""
    asked = replace(field, children=tuple(child for child in field.children if child.key in members))
    _shapes().check(CITY, "", asked, json_object(members))


class RealNode:
    """Answers from PostgreSQL."""

    def __init__(self, pool: Pool, reading: Sessions, logging: Sessions) -> None:
        self._pool = pool
        self._reader = Reader(reading, CITY, PageLimits(OBSERVATIONS, OTHERS))
        self._log = AccessLog(logging)
        self._gates: dict[Any, CityGate] = {}
        self._executor = Executor(build_schema(_BOUNDS), CostLimits(HUGE, HUGE))

    async def answer(self, question: Question, world: World) -> Answer:
        """Ask under the world's membership list and rules."""
        deadline = asyncio.get_running_loop().time() + 30
        request = Request(question.caller, question.document, deadline, "0" * 32, f"00-{'0' * 32}-{'0' * 16}-01")
        context = Context(request, self._gate(world), FixedDirectory())
        result = await self._executor.execute(question.document, question.variables, question.operation_name, context)
        errors = [graphql_error(error, "") for error in result.errors]
        return Answer(
            orjson.loads(result.data or b"null"),
            [(tuple(error.get("path", ())), error["extensions"]["code"]) for error in errors],
            [
                f"{error.message} {error.original_error.__cause__!r}" if error.original_error else error.message
                for error in result.errors
            ],
        )

    def _gate(self, world: World) -> CityGate:
        known = (world.has_suspended, world.forbidden)
        if known not in self._gates:
            membership = _membership(with_suspended=world.has_suspended)
            rules = RuleSet.load(_policy(world.forbidden))
            decisions = Decisions(self._pool, CITY, lambda: rules, lambda: membership)
            self._gates[known] = CityGate(
                city=CITY,
                own=Watched(self._reader, decisions, self._pool),
                membership=lambda: membership,
                fanout=NoPeers(),
                access_log=self._log,
                why_skip=lambda *_: None,
            )
        return self._gates[known]


def _membership(*, with_suspended: bool) -> Membership:
    members = [Member(CITY, "Gießen", None, "https://giessen.example", {})]
    if with_suspended:
        members.append(Member(SUSPENDED, "Wetzlar", None, "https://wetzlar.example", {}, MemberStatus.SUSPENDED))
    return Membership(tuple(members), _NOW, _NOW + timedelta(days=1), f"list-{with_suspended}")


def _policy(forbidden: tuple[str, str] | None) -> str | None:
    if forbidden is None:
        return None
    action, tier = forbidden
    return (
        f'@id("stop") forbid (principal, action == Verbund::Action::"{action}", resource is Verbund::Dataset)'
        f' when {{ resource.tier == "{tier}" }};'
    )
