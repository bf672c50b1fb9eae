"""The road of results that are made of parts: every city gives its whole part, and they are put together here."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

import orjson

from federation.fanout import Fanout, Outcome
from federation.membership import Membership
from federation.parts import CityPart, PartsPlan, json_object
from federation.report import CityReport, report_json, too_slow
from federation.results import plan_result
from node.gate.own_data import OwnData, OwnPart
from node.gate.records import Recorder
from node.gate.targets import WhySkip, targets_of
from node.store.statistics.frame import slots_of
from schema.errors import TooCostly
from schema.ports import Request
from schema.prepared import Prepared
from schema.selection import TYPENAME, Field

LARGE = 500_000  # bytes of parts: tens of milliseconds
Settle = Callable[[Recorder, Field, Sequence[CityReport]], Awaitable[None]]


class PartsRoad:
    """Answers root fields whose type is a result. `settle` commits the records, and refuses what is not complete."""

    def __init__(
        self,
        *,
        city: str,
        own: OwnData,
        fanout: Fanout,
        membership: Callable[[], Membership],
        settle: Settle,
        why_skip: WhySkip,
    ) -> None:
        self._city = city
        self._why_skip = why_skip
        self._own = own
        self._fanout = fanout
        self._membership = membership
        self._settle = settle

    async def read(self, request: Request, field: Field) -> Prepared:
        """Ask every city that can have a part for it, this one among them.

        Raises:
            RequestError: as `schema.ports.Gate.read`.
        """
        targets = targets_of(field, request.caller, self._city, self._membership(), self._why_skip)
        recorder = Recorder(self._city, request, field)
        self._own.check(field)  # the caller's mistakes are told here, not by each owner
        plan = plan_result(field, targets.own + len(targets.peers), lambda: slots_of(field.arguments))
        asking = asyncio.create_task(self._fanout.parts(plan, targets.peers, request))
        try:
            own = await self._own_part(request, plan) if targets.own else None
            outcomes = await asking
        finally:
            asking.cancel()
        parts = {city: outcome.given for city, outcome in outcomes.items() if outcome.given is not None}
        reports = [_counted(outcome) for outcome in outcomes.values()]
        if targets.own and own is None:
            reports.append(too_slow(self._city))
        if own is not None:
            parts[self._city] = part = plan.read(self._city, own.part.members)
            reports.append(replace(own.report, rows=part.rows))
        given = self._size(own, outcomes)
        too_large = given > self._own.answer_bytes
        prepared = {} if too_large else await _assembled(plan, parts, given)
        answer = b"" if too_large else result_json(field, prepared, [*reports, *targets.skipped])
        self._record(recorder, own, reports, outcomes, len(answer))
        await self._settle(recorder, field, [*reports, *targets.skipped])
        if too_large:
            raise TooCostly(
                f"{field.key}: the cities' answers have {given} bytes; the limit is {self._own.answer_bytes}",
                hint="ask for fewer cities or datastreams, a shorter time, or larger steps",
            )
        return Prepared(answer)

    async def _own_part(self, request: Request, plan: PartsPlan) -> OwnPart | None:
        """This city's part, or None if it takes too long."""
        try:
            async with asyncio.timeout_at(request.deadline):
                return await self._own.part(request.caller, plan.owner_field(self._city))
        except TimeoutError:
            return None

    @staticmethod
    def _size(own: OwnPart | None, outcomes: Mapping[str, Outcome[CityPart]]) -> int:
        return sum(outcome.bytes for outcome in outcomes.values()) + (own.part.size if own is not None else 0)

    def _record(
        self,
        recorder: Recorder,
        own: OwnPart | None,
        reports: Sequence[CityReport],
        outcomes: Mapping[str, Outcome[CityPart]],
        size: int,
    ) -> None:
        if own is not None:
            recorder.own_page(own.part, own.ruling, rows=own.part.rows, size=size)
        for report in reports:
            if report.city in outcomes:
                recorder.peer(report, outcomes[report.city].bytes)
        if not recorder.records:
            recorder.nobody(size)


def result_json(root: Field, prepared: Mapping[str, bytes], reports: Sequence[CityReport]) -> bytes:
    """The JSON object of a result with the selected children. `prepared` has what is neither report nor type name."""
    members = {}
    for child in root.children:
        if child.name == "federation":
            members[child.key] = report_json(child, reports)
        elif child.name == TYPENAME:
            members[child.key] = orjson.dumps(root.type_name)
        else:
            members[child.key] = prepared[child.key]
    return json_object(members)


async def _assembled(plan: PartsPlan, parts: Mapping[str, CityPart], size: int) -> dict[str, bytes]:
    """What becomes of the parts; of large ones in a thread, so that other requests go on meanwhile."""
    return plan.assemble(parts) if size < LARGE else await asyncio.to_thread(plan.assemble, parts)


def _counted(outcome: Outcome[CityPart]) -> CityReport:
    return outcome.report if outcome.given is None else replace(outcome.report, rows=outcome.given.rows)
