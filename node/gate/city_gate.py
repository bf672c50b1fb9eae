"""The gate of one city. Nothing returns from here before its access records are committed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from federation.errors import MembershipError
from federation.fanout import Fanout, Outcome
from federation.membership import Member, Membership
from federation.merge import Merged, merge
from federation.plan import PagePlan, plan_page
from federation.report import CityReport, State, too_slow
from federation.rounds import joined, rows_each, to_ask_again
from federation.rows import CityPage
from node.audit.log import AccessLog
from node.gate.answer import PageInfo, connection_json
from node.gate.own_data import OwnData, OwnPage
from node.gate.parts import PartsRoad
from node.gate.records import Recorder
from node.gate.requirement import check_requirement, require, within_deadline
from node.gate.targets import Targets, WhySkip, targets_of
from schema.cursor import Cursor, Position, binding_of, decode, encode
from schema.errors import CityUnavailable, Forbidden, NotFound, Unavailable
from schema.ids import GlobalId, parse_id
from schema.ports import Request
from schema.prepared import Prepared
from schema.selection import Field

READ_SCOPE = "data:read"
AUDIT_SCOPE = "audit:read"


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
    ) -> None:
        self._city = city
        self._why_skip = why_skip
        self._own = own
        self._current_membership = membership
        self._fanout = fanout
        self._log = access_log
        self._parts = PartsRoad(
            city=city, own=own, fanout=fanout, membership=self._membership, settle=self._settle, why_skip=why_skip
        )

    async def read(self, request: Request, field: Field) -> Prepared | None:
        """Answer one root field; see `schema.ports.Gate`."""
        if field.name == "accessLog":
            return await self._access_log(request, field)
        if not request.caller.is_anonymous and READ_SCOPE not in request.caller.scopes:
            raise Forbidden(
                f"{field.name}: the token has no scope {READ_SCOPE}", hint="ask for a token with that scope"
            )
        check_requirement(field)
        request = within_deadline(request, field, asyncio.get_running_loop().time())
        if field.type_name.endswith("Connection"):
            return await self._list(request, field)
        if field.type_name.endswith("Result"):
            return await self._parts.read(request, field)
        return await self._object(request, field)

    async def _list(self, request: Request, field: Field) -> Prepared:
        targets = targets_of(field, request.caller, self._city, self._membership(), self._why_skip)
        binding = binding_of(field.name, field.arguments)
        after = field.arguments.get("after")
        cursor = decode(after, binding) if after is not None else None
        recorder = Recorder(self._city, request, field)
        alone = targets.own and not targets.peers and field.arguments.get("deadlineMs") is None
        if alone and not _unasked(targets, cursor, self._city):
            answer = await self._own_list(request, field, cursor, targets, recorder)
        else:
            answer = await self._merged_list(request, field, cursor, targets, recorder)
        return Prepared(answer)

    async def _own_list(
        self, request: Request, field: Field, cursor: Cursor | None, targets: Targets, recorder: Recorder
    ) -> bytes:
        """Only this city is asked: its statement has made the rows in the form of the answer."""
        own = await self._own.page(request.caller, field, cursor.start_for(self._city) if cursor else None)
        reports = [replace(own.report, rows=own.page.rows), *targets.skipped]
        info = PageInfo(own.page.has_next, cursor is not None, own.page.start_cursor, own.page.end_cursor)
        if cursor is not None and info.end_cursor is None:
            info = replace(info, end_cursor=encode(cursor))
        answer = connection_json(field, own.page.columns, info, reports)
        recorder.own_page(own.page, own.ruling, rows=own.page.rows, size=len(answer))
        await self._settle(recorder, field, reports)
        return answer

    async def _merged_list(
        self, request: Request, field: Field, cursor: Cursor | None, targets: Targets, recorder: Recorder
    ) -> bytes:
        """Several cities are asked at once; their rows are merged in one order."""
        self._own.check(field)  # the caller's mistakes are told here, not by each owner
        plan = plan_page(field)
        cities = [*([self._city] if targets.own else []), *targets.peers]
        starts = {city: cursor.start_for(city) if cursor else None for city in cities}
        remembered = _unasked(targets, cursor, self._city)
        asking = asyncio.create_task(self._peers_pages(request, plan, targets.peers, starts))
        try:
            own, pages = await self._own_part(request, plan, starts) if targets.own else (None, [])
            outcomes = await asking
        finally:
            asking.cancel()
        pages += [outcome.given for outcome in outcomes.values() if outcome.given is not None]
        answered = {page.city for page in pages}
        merged = merge(
            pages,
            starts=remembered | starts,
            failed=[city for city in (*remembered, *cities) if city not in answered],
            previous=cursor,
            first=plan.first,
            descending=plan.descending,
            binding=binding_of(field.name, field.arguments),
        )
        reports = self._reports(own, outcomes, merged, targets)
        if targets.own and own is None:
            reports.append(too_slow(self._city))
        answer = connection_json(field, plan.assemble(merged), _info(merged, cursor), reports)
        self._record_merged(recorder, own, outcomes, reports, len(answer))
        await self._settle(recorder, field, reports)
        return answer

    async def _peers_pages(
        self, request: Request, plan: PagePlan, peers: Mapping[str, Member], starts: Mapping[str, Position | None]
    ) -> dict[str, Outcome[CityPage]]:
        """Up to a page of each peer, as far as the merged page can need it."""
        few = rows_each(plan.first, len(starts))
        outcomes = await self._fanout.pages(plan.limited(few), peers, starts, request)
        if few < plan.first:
            again = to_ask_again(outcomes, plan.first, descending=plan.descending)
            asked = {city: peers[city] for city in again}
            more = await self._fanout.pages(plan.rest(plan.first - few), asked, again, request)
            outcomes |= {city: joined(outcomes[city], outcome) for city, outcome in more.items()}
        return outcomes

    async def _own_part(
        self, request: Request, plan: PagePlan, starts: Mapping[str, Position | None]
    ) -> tuple[OwnPage | None, list[CityPage]]:
        """This city's part of a merged page, in the same form as a peer's."""
        start = starts[self._city]
        try:
            async with asyncio.timeout_at(request.deadline):
                own = await self._own.page(request.caller, plan.owner_field(self._city, start), start)
        except TimeoutError:
            return None, []
        return own, [plan.read_rows(own.page.columns, self._city, start, has_next=own.page.has_next)]

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
        recorder.own_object(own.found, own.ruling)
        await self._log.append(recorder.records, request.document)
        return own.found.json

    async def _peers_object(self, request: Request, field: Field, target: GlobalId, recorder: Recorder) -> bytes | None:
        member = self._membership().by_id(target.city)
        if member is None:
            return None
        if member.status != "ACTIVE":
            raise CityUnavailable(member.id, State.DENIED.value, "its membership is suspended")
        try:
            answer, report = await self._fanout.single(field, member, request)
        except CityUnavailable as error:
            recorder.peer(CityReport(member.id, State(error.state)), 0)
            await self._log.append(recorder.records, request.document)
            raise
        recorder.peer(report, len(answer or b""), datasets=(str(target),) if target.kind == "dataset" else ())
        await self._log.append(recorder.records, request.document)
        return answer

    async def _access_log(self, request: Request, field: Field) -> Prepared:
        caller = request.caller
        if caller.peer is not None or caller.city != self._city or AUDIT_SCOPE not in caller.scopes:
            raise Forbidden(
                f"accessLog: needs a token of this city's own application with the scope {AUDIT_SCOPE}",
                hint="an operator grants it with `verbund client add … --scope audit:read`",
            )
        binding = binding_of(field.name, field.arguments)
        after = field.arguments.get("after")
        start = decode(after, binding).watermark if after is not None else None
        page = await self._own.log_page(field, start)
        info = PageInfo(page.has_next, after is not None, page.start_cursor, page.end_cursor)
        answer = connection_json(field, page.columns, info, [])
        recorder = Recorder(self._city, request, field)
        recorder.log_page(page, len(answer))
        await self._log.append(recorder.records, request.document)
        return Prepared(answer)

    async def _settle(self, recorder: Recorder, field: Field, reports: Sequence[CityReport]) -> None:
        """Commit the records; then refuse if the caller requires more cities."""
        await self._log.append(recorder.records, recorder.request.document)
        require(field, reports)

    def _membership(self) -> Membership:
        try:
            return self._current_membership()
        except MembershipError as error:
            raise Unavailable(
                f"the membership list can't be used: {error.reason}", hint="the operator must fetch a new list"
            ) from error

    def _reports(
        self, own: OwnPage | None, outcomes: Mapping[str, Outcome[CityPage]], merged: Merged, targets: Targets
    ) -> list[CityReport]:
        counts, late = merged.by_city, merged.late
        found = [*([own.report] if own else []), *(outcome.report for outcome in outcomes.values())]
        return [
            *(replace(report, rows=counts[report.city], late=late[report.city]) for report in found),
            *targets.skipped,
        ]

    def _record_merged(
        self,
        recorder: Recorder,
        own: OwnPage | None,
        outcomes: Mapping[str, Outcome[CityPage]],
        reports: Sequence[CityReport],
        size: int,
    ) -> None:
        for report in reports:
            if report.city == self._city:
                if own is not None:
                    recorder.own_page(own.page, own.ruling, rows=report.rows, size=size)
            elif report.city in outcomes:
                recorder.peer(report, outcomes[report.city].bytes)
        if not recorder.records:
            recorder.nobody(size)


def _unasked(targets: Targets, cursor: Cursor | None, own: str) -> dict[str, Position | None]:
    """Cities whose rows are still to come although they are not asked now: suspended ones, and those of the cursor."""
    asked = {*targets.peers, *([own] if targets.own else [])}
    denied = [report.city for report in targets.skipped if report.state is State.DENIED]
    found = {city: cursor.start_for(city) if cursor else None for city in denied}
    if cursor is not None:
        found |= {city: start for city, start in cursor.away.items() if city not in asked}
    return found


def _info(merged: Merged, cursor: Cursor | None) -> PageInfo:
    start = encode(merged.after(0)) if merged.size else None
    end = merged.end
    return PageInfo(merged.has_next, cursor is not None, start, encode(end) if end else None)
