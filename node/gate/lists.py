"""The road of merged lists: every city gives up to a page, and their rows are put in one order here."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from msgspec.structs import replace

from federation.fanout import Fanout, Outcome
from federation.membership import Member
from federation.merge import Merged, merge
from federation.plan import PagePlan, plan_page
from federation.report import State
from federation.rounds import joined, rows_each, to_ask_again
from federation.rows import CityPage
from node.gate.answer import PageInfo, connection_json
from node.gate.gathered import Gathered, OwnShare, WithLogs, own_part
from node.gate.own_data import OwnData, OwnPage
from node.gate.targets import Targets
from schema.cursor import Cursor, Position, binding_of, encode
from schema.ports import Request
from schema.selection import Field


class ListsRoad:
    """Answers root connections to which several cities may contribute."""

    def __init__(self, city: str, own: OwnData, fanout: Fanout, with_logs: WithLogs = list) -> None:
        self._city = city
        self._with_logs = with_logs
        self._own = own
        self._fanout = fanout

    async def gather(self, request: Request, field: Field, cursor: Cursor | None, targets: Targets) -> Gathered:
        """Ask all targets at once and merge what they give.

        Raises:
            BadInput: the caller's mistake, told before anybody is asked.
        """
        self._own.check(field)
        plan = plan_page(field)
        cities = [*([self._city] if targets.own else []), *targets.peers]
        starts = {city: cursor.start_for(city) if cursor else None for city in cities}
        remembered = unasked(targets, cursor, self._city)
        asking = asyncio.create_task(self._peers_pages(request, plan, targets.peers, starts))
        try:
            own, report, error = (
                await own_part(self._city, request.deadline, self._own_page(request, plan, starts[self._city]))
                if targets.own
                else (None, None, None)
            )
            outcomes = await asking
        finally:
            asking.cancel()
        pages = [outcome.given for outcome in outcomes.values() if outcome.given is not None]
        if own is not None:
            pages.append(own[1])
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
        counts, late = merged.by_city, merged.late
        told = [outcome.report for outcome in outcomes.values()]
        told += [one for one in (own[0].report if own else None, report) if one is not None]
        reports = [replace(one, rows=counts[one.city], late=late[one.city]) for one in told]
        reports = self._with_logs([*reports, *targets.skipped])
        error = error if report is None or not targets.peers else None
        return Gathered(
            b"" if error is not None else connection_json(field, plan.assemble(merged), _info(merged, cursor), reports),
            reports,
            OwnShare(own[0].page, own[0].ruling, counts[self._city]) if own else None,
            {city: outcome.bytes for city, outcome in outcomes.items()},
            error,
        )

    async def _own_page(self, request: Request, plan: PagePlan, start: Position | None) -> tuple[OwnPage, CityPage]:
        """This city's page as it was read, and in the form of a peer's."""
        own = await self._own.page(request.caller, plan.owner_field(self._city, start), start)
        return own, plan.read_rows(own.page.columns, self._city, start, has_next=own.page.has_next)

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


def unasked(targets: Targets, cursor: Cursor | None, own: str) -> dict[str, Position | None]:
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
