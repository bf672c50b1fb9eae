"""The road of results that are made of parts: every city gives its whole part, and they are put together here."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import orjson
from msgspec.structs import replace

from federation.fanout import Fanout, Outcome
from federation.parts import CityPart, PartsPlan, json_object
from federation.report import CityReport, report_json
from federation.results import plan_result
from node.gate.gathered import Gathered, OwnShare, WithLogs, own_part
from node.gate.own_data import OwnData
from node.gate.targets import Targets
from node.store.statistics.frame import slots_of
from schema.errors import TooCostly
from schema.ports import Request
from schema.selection import TYPENAME, Field

LARGE = 500_000  # bytes of parts: tens of milliseconds


class PartsRoad:
    """Answers root fields whose type is a result."""

    def __init__(self, city: str, own: OwnData, fanout: Fanout, with_logs: WithLogs = list) -> None:
        self._city = city
        self._with_logs = with_logs
        self._own = own
        self._fanout = fanout

    async def gather(self, request: Request, field: Field, targets: Targets) -> Gathered:
        """Ask every city that can have a part for it, this one among them.

        Raises:
            BadInput: the caller's mistake, told before anybody is asked.
        """
        self._own.check(field)
        plan = plan_result(field, targets.own + len(targets.peers), lambda: slots_of(field.arguments))
        asking = asyncio.create_task(self._fanout.parts(plan, targets.peers, request))
        try:
            own, report, error = (
                await own_part(
                    self._city, request.deadline, self._own.part(request.caller, plan.owner_field(self._city))
                )
                if targets.own
                else (None, None, None)
            )
            outcomes = await asking
        finally:
            asking.cancel()
        parts = {city: outcome.given for city, outcome in outcomes.items() if outcome.given is not None}
        reports = [*map(_counted, outcomes.values()), *targets.skipped]
        if report is not None:
            reports.append(report)
            error = error if not targets.peers else None
        if own is not None:
            parts[self._city] = part = plan.read(self._city, own.part.members)
            reports.append(replace(own.report, rows=part.rows))
        reports = self._with_logs(reports)
        size = sum(outcome.bytes for outcome in outcomes.values()) + (own.part.size if own is not None else 0)
        if size > self._own.answer_bytes:
            error = TooCostly(
                f"{field.key}: the cities' answers have {size} bytes; the limit is {self._own.answer_bytes}",
                hint="ask for fewer cities or datastreams, a shorter time, or larger steps",
            )
        return Gathered(
            b"" if error is not None else result_json(field, await _assembled(plan, parts, size), reports),
            reports,
            OwnShare(own.part, own.ruling, own.part.rows) if own is not None else None,
            {city: outcome.bytes for city, outcome in outcomes.items()},
            error,
        )


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
