"""The gate of one city. Nothing returns from here before its access records are committed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Hashable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from msgspec.structs import replace as changed

from federation.batches import ROOT
from federation.client import JOIN_WITHIN_S
from federation.errors import MembershipError
from federation.fanout import Fanout
from federation.in_flight import InFlight
from federation.membership import Membership
from federation.report import CityReport, State
from federation.row_checks import are_positions
from node.audit.log import AccessLog
from node.gate.answer import PageInfo, connection_json
from node.gate.auditing import SCOPE as AUDIT_SCOPE
from node.gate.auditing import check_auditor, matching_as_filter
from node.gate.batches import Batches
from node.gate.following import Following, FollowLimits
from node.gate.gathered import Gathered
from node.gate.lists import ListsRoad, unasked
from node.gate.own_data import OwnData
from node.gate.parts import PartsRoad
from node.gate.records import Recorder
from node.gate.requirement import check_requirement, require, within_deadline
from node.gate.targets import Targets, WhySkip, targets_of
from node.store.arrival_watch import ArrivalWatch
from schema.cursor import Cursor, binding_of, decode, encode, no_cursor
from schema.errors import CityUnavailable, Forbidden, NotFound, Unavailable
from schema.ids import GlobalId, parse_id
from schema.ports import Request, Standing
from schema.prepared import Prepared
from schema.selection import Field

READ_SCOPE = "data:read"
ACCESS_LOG = "accessLog"


@dataclass(frozen=True, slots=True)
class Live:
    """What following observations needs: the fan-out that waits for them, the watch over arrivals, limits."""

    patient: Fanout
    watch: ArrivalWatch
    limits: FollowLimits


class CityGate:
    """Decide, read here or ask the owners, record, answer."""

    def __init__(
        self,
        *,
        city: str,
        own: OwnData,
        membership: Callable[[], Membership],
        fanout: Fanout,
        access_log: AccessLog,
        why_skip: WhySkip,
        log_state: Callable[[str], str] = lambda _: "UNKNOWN",
        live: Live | None = None,
    ) -> None:
        self._city = city
        self._log_state = log_state
        self._why_skip = why_skip
        self._own = own
        self._current_membership = membership
        self._fanout = fanout
        self._log = access_log
        self._lists = ListsRoad(city, own, fanout, self._with_logs)
        self._parts = PartsRoad(city, own, fanout, self._with_logs)
        self._following = None
        if live is not None:
            batches = Batches(city, own, live.patient, live.watch, self._append)
            self._following = Following(city, batches, self._membership, live.watch, live.limits)
        self._in_flight = InFlight[tuple[int, Hashable], Gathered](JOIN_WITHIN_S)

    async def read(self, request: Request, field: Field) -> Prepared | None:
        """Answer one root field; see `schema.ports.Gate`."""
        try:
            self._check_scope(request, field)
        except Forbidden:
            recorder = Recorder(self._city, request, field)
            recorder.refused(AUDIT_SCOPE if field.name == ACCESS_LOG else READ_SCOPE)
            await self._append(recorder)
            raise
        if field.name == ACCESS_LOG:
            return await self._access_log(request, field)
        if field.name == ROOT:
            self._own.check(field)
            return await self._live().poll(request, field)
        check_requirement(field)
        request = within_deadline(request, field, _now)
        if field.type_name.endswith("Connection"):
            return await self._list(request, field)
        if field.type_name.endswith("Result"):
            targets = self._targets(request, field)
            return await self._of_many(request, field, targets, partial(self._parts.gather, request, field, targets))
        return await self._object(request, field)

    def follow(self, request: Request, field: Field, standing: Standing) -> AsyncGenerator[Prepared]:
        """Answer one root field of a subscription; see `schema.ports.Gate`."""
        self._check_scope(request, field)
        self._own.check(field)
        return self._live().follow(request, field, standing)

    def _live(self) -> Following:
        if self._following is None:
            raise Unavailable("this node gives nothing live")
        return self._following

    async def _list(self, request: Request, field: Field) -> Prepared:
        targets = self._targets(request, field)
        cursor = _cursor(field)
        alone = targets.own and not targets.peers and field.arguments.get("deadlineMs") is None
        if alone and not unasked(targets, cursor, self._city):
            return Prepared(await self._own_list(request, field, cursor, targets))
        gather = partial(self._lists.gather, request, field, cursor, targets)
        return await self._of_many(request, field, targets, gather)

    async def _own_list(self, request: Request, field: Field, cursor: Cursor | None, targets: Targets) -> bytes:
        """Only this city is asked: its statement has made the rows in the form of the answer."""
        recorder = Recorder(self._city, request, field)
        own = await self._own.page(request.caller, field, cursor.start_for(self._city) if cursor else None)
        reports = self._with_logs([changed(own.report, rows=own.page.rows), *targets.skipped])
        info = PageInfo(own.page.has_next, cursor is not None, own.page.start_cursor, own.page.end_cursor)
        if cursor is not None and info.end_cursor is None:
            info = changed(info, end_cursor=encode(cursor))
        answer = connection_json(field, own.page.columns, info, reports)
        await recorder.answered(answer)
        recorder.own_page(own.page, own.ruling, rows=own.page.rows, size=len(answer))
        await self._settle(recorder, field, reports)
        return answer

    async def _of_many(
        self, request: Request, field: Field, targets: Targets, gather: Callable[[], Coroutine[Any, Any, Gathered]]
    ) -> Prepared:
        """Several cities are asked, once for all who ask the same meanwhile with the same rights; each is recorded."""
        if targets.peers:
            await request.confirmed()  # peers keep records of what they are asked
        key = id(field), request.caller.rights  # the executor gives equal questions the same field
        try:
            gathered = await self._in_flight.share(key, gather, None, outlives=False)
        except asyncio.CancelledError:
            await self._left(request, field, targets.peers)
            raise
        recorder = Recorder(self._city, request, field)
        await gathered.record(recorder)
        await self._settle(recorder, field, gathered.reports)
        if gathered.error is not None:
            raise gathered.error
        return Prepared(gathered.answer)

    async def _object(self, request: Request, field: Field) -> Prepared | None:
        kind = field.name
        target = parse_id(field.arguments["id"], kind=kind, argument="id")
        recorder = Recorder(self._city, request, field)
        if target.city == self._city:
            answer = await self._own_object(request, field, target, recorder)
        elif request.caller.peer is not None:
            raise NotFound(f"{kind}: {str(target)!r} is not found")
        else:
            answer = await self._peers_object(request, field, target, recorder)
        if answer is None:
            raise NotFound(f"{kind}: {str(target)!r} is not found")
        return Prepared(answer)

    async def _own_object(self, request: Request, field: Field, target: GlobalId, recorder: Recorder) -> bytes | None:
        own = await self._own.object(request.caller, field, target.key)
        await recorder.answered(own.found.json)
        recorder.own_object(own.found, own.ruling)
        await self._append(recorder)
        return own.found.json

    async def _peers_object(self, request: Request, field: Field, target: GlobalId, recorder: Recorder) -> bytes | None:
        member = self._membership().by_id(target.city)
        if member is None:
            hint = f"{target.city} is not a member; `{{ cities {{ id }} }}` tells who is"
            raise NotFound(f"{field.name}: {str(target)!r} is not found", hint=hint)
        if member.status != "ACTIVE":
            raise CityUnavailable(member.id, State.DENIED.value, "its membership is suspended")
        self._own.check(field)  # a mistake is the caller's, not the owner's
        await request.confirmed()
        try:
            answer, report = await self._fanout.single(field, member, request)
        except CityUnavailable as error:
            recorder.peer(CityReport(member.id, State(error.state)), 0)
            await self._append(recorder)
            raise
        except asyncio.CancelledError:
            await self._left(request, field, [member.id])
            raise
        recorder.peer(report, len(answer or b""), datasets=(str(target),) if target.kind == "dataset" else ())
        await self._append(recorder)
        return answer

    async def _access_log(self, request: Request, field: Field) -> Prepared:
        field = matching_as_filter(field)
        binding = binding_of(field.name, field.arguments)
        after = field.arguments.get("after")
        start = decode(after, binding).watermark if after is not None else None
        page = await self._own.log_page(field, start)
        info = PageInfo(page.has_next, after is not None, page.start_cursor, page.end_cursor)
        answer = connection_json(field, page.columns, info, [])
        recorder = Recorder(self._city, request, field)
        recorder.log_page(page, len(answer))
        await self._append(recorder)
        return Prepared(answer)

    async def _settle(self, recorder: Recorder, field: Field, reports: Sequence[CityReport]) -> None:
        """Commit the records; then refuse if the caller requires more cities."""
        await self._append(recorder)
        require(field, reports)

    async def _left(self, request: Request, field: Field, asked: Iterable[str]) -> None:
        """The caller has gone before the answer. Peers that were asked keep a record of it, so this city does, too."""
        recorder = Recorder(self._city, request, field)
        for city in asked:
            recorder.peer(CityReport(city, State.TIMEOUT), 0)
        with suppress(Unavailable):  # there is nobody left to be refused
            await asyncio.shield(self._log.append(recorder.records, request.document))

    async def _append(self, recorder: Recorder) -> None:
        request = recorder.request
        pending = None if request.pending is None else request.pending.use
        entries = await self._log.append(recorder.records, request.document, pending)
        if request.evidence is not None:
            request.evidence.entries += entries

    def _with_logs(self, reports: Sequence[CityReport]) -> list[CityReport]:
        return [changed(report, log=self._log_state(report.city)) for report in reports]

    def _check_scope(self, request: Request, field: Field) -> None:
        if field.name == ACCESS_LOG:
            check_auditor(request, self._city, field.name)
        elif not request.caller.is_anonymous and READ_SCOPE not in request.caller.scopes:
            raise Forbidden(
                f"{field.name}: the token has no scope {READ_SCOPE}", hint="ask for a token with that scope"
            )

    def _targets(self, request: Request, field: Field) -> Targets:
        return targets_of(field, request.caller, self._city, self._membership(), self._why_skip)

    def _membership(self) -> Membership:
        try:
            return self._current_membership()
        except MembershipError as error:
            raise Unavailable(
                f"the membership list can't be used: {error.reason}", hint="the operator must fetch a new list"
            ) from error


def _now() -> float:
    return asyncio.get_running_loop().time()


def _cursor(field: Field) -> Cursor | None:
    """Where a list goes on from. Raises BadInput."""
    after = field.arguments.get("after")
    if after is None:
        return None
    cursor = decode(after, binding_of(field.name, field.arguments))
    positions = [cursor.watermark, *(position for position in cursor.away.values() if position is not None)]
    if not are_positions(positions, str(field.arguments.get("orderBy", ""))):
        raise no_cursor()
    return cursor
