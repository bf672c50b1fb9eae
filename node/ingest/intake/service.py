"""The road in: who may bring observations, that they are stored, that it is recorded."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime

from strawberry import ID

from federation.report import State
from node.audit.log import AccessLog
from node.audit.record import DENY, OWNER, PERMIT, AccessRecord, action_of, operation_digest
from node.auth.scopes import RECORD as SCOPE
from node.ingest.intake.checks import Checked, check_series
from node.ingest.intake.writer import IntakeWriter
from node.telemetry.counts import Counts
from schema.errors import BadInput, Forbidden
from schema.ids import parse_id
from schema.ports import Request
from schema.types.intake import ObservationSeriesInput, RecordedObservations, RefusedObservation
from schema.types.scalars import DateTime

MOST = 10_000
TOLD = 100
FIELD = "recordObservations"


class ObservationIntake:
    """Fills `schema.ports.Intake`."""

    def __init__(self, city: str, writer: IntakeWriter, access_log: AccessLog, counts: Counts) -> None:
        self._city = city
        self._writer = writer
        self._log = access_log
        self._counts = counts

    async def record(self, request: Request, series: Sequence[ObservationSeriesInput]) -> RecordedObservations:
        """Check, store, record; the answer comes when all of it is committed.

        Raises:
            Forbidden, BadInput, Unavailable.
        """
        began = time.perf_counter()
        caller = request.caller
        if caller.peer is not None or caller.city != self._city or SCOPE not in caller.scopes:
            await self._record(request, DENY, 0, began)
            raise Forbidden(
                f"{FIELD}: needs a token of this city's own application with the scope {SCOPE}",
                hint=f"an operator grants it with `verbund client add … --scope {SCOPE}`",
            )
        offered = sum(len(one.times) for one in series)
        if offered > MOST:
            raise BadInput(
                f"series: {offered} observations are more than {MOST}", hint="send several batches, one after the other"
            )
        checked = await self._checked(series)
        await self._writer.store(f"application {caller.application}", checked)
        refused = sum(flaw.count for flaw in checked.flawed)
        self._counts.add("verbund_accepted_observations_total", "mutation", amount=checked.accepted)
        self._counts.add("verbund_refused_observations_total", "mutation", amount=refused)
        await self._record(request, PERMIT, checked.accepted, began)
        told = [
            RefusedObservation(
                datastream=ID(flaw.datastream),
                time=None if flaw.time is None else DateTime(flaw.time),
                reason=flaw.reason,
                message=flaw.message,
            )
            for flaw in checked.flawed[:TOLD]
        ]
        return RecordedObservations(accepted=checked.accepted, refused=told, refused_count=refused)

    async def _checked(self, series: Sequence[ObservationSeriesInput]) -> Checked:
        named = [parse_id(one.datastream, kind="datastream", argument="datastream") for one in series]
        own = [id_.key for id_ in named if id_.city == self._city]
        known = await self._writer.datastreams(own)
        checked, now = Checked(), datetime.now(UTC)
        for id_, one in zip(named, series, strict=True):
            found = known.get(id_.key) if id_.city == self._city else None
            check_series(checked, str(id_), found, one.times, one.results, one.quality.name, now)
        return checked

    async def _record(self, request: Request, decision: str, rows: int, began: float) -> None:
        """Who brought how many observations; what they were is in the data."""
        record = AccessRecord(
            role=OWNER,
            caller=request.caller,
            counterpart=request.caller.peer,
            trace_id=request.trace_id,
            field=FIELD,
            action=action_of(request.caller, "observation", "write"),
            operation=operation_digest(request.document),
            datasets=(),
            decision=decision,
            rules=(f"scope/{SCOPE}",),
            policy_version="",
            state=State.OK.value,
            rows=rows,
            bytes=0,
            took_ms=(time.perf_counter() - began) * 1000,
        )
        await self._log.append([record], request.document)
