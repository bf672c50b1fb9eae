"""One city's observations as they arrive: read here under the rules, or asked of their owner."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from msgspec.structs import replace as changed

from federation.batches import BatchPlan, CityBatch, batch_json
from federation.fanout import Fanout
from federation.membership import Member, Membership
from federation.report import CityReport, State
from node.gate.own_data import OwnBatch, OwnData
from node.gate.records import Recorder
from node.store.arrival_tables import CHUNK
from node.store.arrival_watch import ArrivalWatch, Bell
from schema.errors import BadInput, CityUnavailable, Forbidden, NotFound
from schema.ids import parse_id
from schema.ports import Request
from schema.positions import decode_positions, encode_positions
from schema.prepared import Prepared
from schema.selection import Field

MOST_DATASTREAMS = 100
PEER_WAIT_S = 5.0  # the owner cuts it to what its own requests may take
PEER_ANSWER_S = 5.0
SHARE = 0.8  # of the time for a request may be spent with waiting
ARGUMENT = "datastreams"
Append = Callable[[Recorder], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Told:
    """What a city tells. `record` commits the access record of the answer that it goes into: before that leaves.

    `batch` is None if the city is away. `is_news` is false for what was waited for in vain, which leaves no record.
    """

    report: CityReport
    batch: CityBatch | None
    is_news: bool
    record: Callable[[bytes], Awaitable[None]]
    is_full: bool = False


def datastreams_by_city(field: Field) -> dict[str, list[str]]:
    """The datastreams that are followed. Raises BadInput."""
    ids = list(dict.fromkeys(field.arguments[ARGUMENT]))
    if not 1 <= len(ids) <= MOST_DATASTREAMS:
        raise BadInput(f"{ARGUMENT}: {len(ids)} are not 1 to {MOST_DATASTREAMS}", hint="follow the others separately")
    found: dict[str, list[str]] = {}
    for id_ in ids:
        found.setdefault(parse_id(id_, kind="datastream", argument=ARGUMENT).city, []).append(id_)
    return found


class Batches:
    """What has arrived at one city after a position (None: the start), waited for if there is nothing yet."""

    def __init__(self, city: str, own: OwnData, patient: Fanout, watch: ArrivalWatch, append: Append) -> None:
        self._city = city
        self._own = own
        self._patient = patient
        self._watch = watch
        self._append = append

    async def poll(self, request: Request, field: Field, membership: Membership) -> Prepared:
        """Answer `newObservations`.

        Raises:
            CityUnavailable: the owner gave no usable answer.
            RequestError: as `own`.
        """
        await request.confirmed()  # nobody waits before that
        after, wait_s = _arguments(field, request.deadline - asyncio.get_running_loop().time())
        cities = datastreams_by_city(field)
        city, *others = cities
        if others:
            raise BadInput(
                f"{ARGUMENT}: they are of several cities", hint="ask for each city's by themselves, or subscribe"
            )
        member = membership.by_id(city)
        if city == self._city:
            told = await self.own(request, field, after.get(city), wait_s, ends_on_change=True)
        elif request.caller.peer is not None or member is None:
            raise NotFound(f"{ARGUMENT}: {cities[city][0]!r} is not found")
        elif not member.is_active:
            raise CityUnavailable(city, State.DENIED.value, "its membership is suspended")
        else:
            told = await self.peer(request, field, member, after.get(city), wait_s)
        if told.batch is None:
            await told.record(b"null")
            raise CityUnavailable(city, told.report.state.value, told.report.reason or "it gave none")
        answer = batch_json(field, told.batch, encode_positions({city: told.batch.position}), [told.report])
        if told.is_news:
            await told.record(answer)
        return Prepared(answer)

    async def own(
        self, request: Request, field: Field, after: int | None, wait_s: float, *, ends_on_change: bool = False
    ) -> Told:
        """What arrives here. If that ends when something changes, whoever waits has to show once more who it is.

        Raises:
            NotFound: a datastream is not there for the caller, or not any more.
            Forbidden: it comes under an obligation that can't be kept.
            RequestError: as `OwnData.page`.
        """
        ids = datastreams_by_city(field)[self._city]
        ends = asyncio.get_running_loop().time() + wait_s
        with self._watch.bell() as bell:
            while True:
                bell.clear()
                recorder = Recorder(self._city, request, field)
                found = await self._own.batch(request.caller, field, after)
                await self._check(recorder, found, ids)
                batch = _batch(field, found)
                is_news = batch.rows > 0 or after is None or batch.missed
                left = ends - asyncio.get_running_loop().time()
                if is_news or left <= 0:
                    record = partial(self._record_own, recorder, found)
                    report = changed(found.report, rows=batch.rows)
                    return Told(report, batch, is_news, record, is_full=found.arrivals.more)
                after = batch.position
                await _pause(bell, found, left)
                if ends_on_change and bell.is_changed:
                    return Told(found.report, batch, is_news=False, record=partial(self._record_own, recorder, found))

    async def peer(
        self, request: Request, field: Field, member: Member, after: int | None, wait_s: float = PEER_WAIT_S
    ) -> Told:
        """What arrives at a member."""
        wait_s = 0.0 if after is None else min(wait_s, PEER_WAIT_S)
        ids = datastreams_by_city(field)[member.id]
        plan = BatchPlan(field, member.id, ids, after, round(wait_s * 1000))
        asked = changed(request, deadline=asyncio.get_running_loop().time() + wait_s + PEER_ANSWER_S)
        outcome = await self._patient.batch(plan, member, asked)
        given = outcome.given
        report = changed(outcome.report, rows=given.rows if given else 0)
        is_news = given is None or given.rows > 0 or after is None or given.missed
        recorder = Recorder(self._city, request, field)
        return Told(report, given, is_news, partial(self._record_peer, recorder, report, outcome.bytes))

    async def _check(self, recorder: Recorder, found: OwnBatch, ids: Sequence[str]) -> None:
        series = found.arrivals.series
        unseen = [id_ for id_ in ids if parse_id(id_, kind="datastream", argument=ARGUMENT).key not in series]
        if unseen:
            if found.arrivals.denied:
                recorder.own_batch(None, found.arrivals.denied, found.ruling, 0)
                await self._append(recorder)
            raise NotFound(f"{ARGUMENT}: {unseen[0]!r} is not found")
        most = found.ruling.scope.most_rows
        if most < CHUNK:
            raise Forbidden(
                f"{ARGUMENT}: answers have at most {most} observations of this data, which live ones can't keep to",
                hint="ask for them with the query `observations`",
            )

    async def _record_own(self, recorder: Recorder, found: OwnBatch, answer: bytes) -> None:
        await recorder.answered(answer)
        recorder.own_batch(found.page, frozenset(), found.ruling, len(answer))
        await self._append(recorder)

    async def _record_peer(self, recorder: Recorder, report: CityReport, size: int, answer: bytes) -> None:
        await recorder.answered(answer)
        recorder.peer(report, size)
        await self._append(recorder)


def _arguments(field: Field, left: float) -> tuple[dict[str, int], float]:
    """Positions by city, and how many seconds to wait."""
    wait_ms, after = field.arguments.get("waitMs", 0), field.arguments.get("after")
    if wait_ms < 0:
        raise BadInput(f"waitMs: {wait_ms} is below 0", hint="tell how many milliseconds you wait")
    return {} if after is None else decode_positions(after), min(wait_ms / 1000, SHARE * left)


def _batch(field: Field, found: OwnBatch) -> CityBatch:
    page = found.page
    columns: Mapping[str, bytes] = page.columns if page is not None else {}
    nodes = {child.key: columns.get(child.key, b"[]") for child in field.children_named("nodes")}
    return CityBatch(nodes, page.rows if page is not None else 0, found.arrivals.until, found.arrivals.missed)


async def _pause(bell: Bell, found: OwnBatch, left: float) -> None:
    """Until there may be something to read."""
    if found.arrivals.more:  # what was read is not to be seen any more: go on at once
        return
    bell.series = frozenset(found.arrivals.series.values())
    ripe_in = found.arrivals.ripe_in
    await bell.wait(left if ripe_in is None else min(left, ripe_in + 0.01))
