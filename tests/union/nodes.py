"""Nodes of several cities in one process, each on a database of its own: real but for HTTP and tokens."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import orjson

from federation.envelope import Envelope
from federation.fanout import Fanout
from federation.foreign import ForeignSchemas
from federation.membership import Member, Membership
from federation.shape import Shapes
from federation.summary import Absence, Summary, absence
from node.audit.log import AccessLog
from node.gate import CityGate, Decisions, OwnData
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
from schema.document import Document
from schema.execution import Executor
from schema.ports import Context, Request

HUGE = 10**30
REQUEST_S = 30.0
NOW = datetime.now(UTC)
SCHEMA = build_schema(Bounds(**{field.name: HUGE for field in fields(Bounds) if field.name != "tokens"}))
EXECUTOR = Executor(SCHEMA, CostLimits(HUGE, HUGE))


class Node:
    """One city's node. `others` are the nodes that it can ask, by city; filled in once all are there."""

    def __init__(
        self, city: str, members: tuple[Member, ...], pool: Pool, reading: Sessions, logging: Sessions
    ) -> None:
        self.city = city
        self.skipped = 0
        self._pool = pool
        self._summary: Summary | None = None
        self.others: dict[str, Node] = {}
        membership = Membership(members, NOW, NOW + timedelta(days=1), "list")
        rules = RuleSet.load()
        self._decisions = decisions = Decisions(pool, city, lambda: rules, lambda: membership)
        self._gate = CityGate(
            city=city,
            own=OwnData(city, Reader(reading, city, PageLimits()), decisions),
            membership=lambda: membership,
            fanout=Fanout(self, Shapes(SCHEMA.graphql), SCHEMA.graphql, ForeignSchemas("", _nobodys)),  # type: ignore[arg-type]
            access_log=AccessLog(logging),
            why_skip=self._why_skip,
        )

    async def sum_up(self) -> None:
        """Make the summary by which the others go."""
        self._summary = await read_summary(self._pool, await self._decisions.terms())

    def _why_skip(self, member: Member, root: str, arguments: Mapping[str, Any]) -> Absence | None:
        summary = self.others[member.id]._summary
        assert summary is not None
        reason = absence(summary, root, arguments)
        self.skipped += reason is not None
        return None if reason is None else Absence(reason)

    async def answer(self, document: str, variables: dict[str, Any], caller: Caller) -> tuple[Any, list[str]]:
        """Data, and codes of errors."""
        deadline = asyncio.get_running_loop().time() + REQUEST_S
        request = Request(caller, document, deadline, "0" * 32, f"00-{'0' * 32}-{'0' * 16}-01")
        context = Context(request, self._gate, self)  # type: ignore[arg-type]
        result = await EXECUTOR.execute(document, variables, None, context)
        codes = [graphql_error(error, "")["extensions"]["code"] for error in result.errors]
        return orjson.loads(result.data or b"null"), codes

    def cities(self) -> list[str]:
        """As many as a directory would tell of."""
        return [self.city, *self.others]

    def deadline(self, request: Request) -> float:
        """As `PeerClient.deadline`."""
        return request.deadline

    async def ask(self, member: Member, document: Document, request: Request, _ends: float) -> Envelope:
        """As `PeerClient.ask`: the other node sees the caller through this one."""
        caller = request.caller
        guest = Caller(self.city, caller.application, caller.purpose, caller.scopes, peer=self.city)
        data, codes = await self.others[member.id].answer(document.text, document.variables, guest)
        errors = [{"message": "", "extensions": {"code": code}} for code in codes]
        return msgspec.json.decode(orjson.dumps({"data": data, "errors": errors}), type=Envelope)


async def _nobodys(_member: Member) -> bytes:
    raise AssertionError("all nodes have one version")
