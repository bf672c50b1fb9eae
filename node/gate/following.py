"""Follow observations at several cities: each goes on by itself, what they tell comes out one by one.

Nothing is kept in memory but what is about to leave: one batch of each city, and a position. A consumer that is slow
holds up its own reading, and the database keeps what it has not read.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from msgspec.structs import replace as changed

from federation.batches import ROOT, CityBatch, batch_json
from federation.membership import Membership
from federation.report import CityReport, State
from node.gate.batches import Batches, Told, datastreams_by_city
from node.store.arrival_watch import ArrivalWatch
from policy.model import Caller
from schema.errors import Forbidden, NotFound, TooMany
from schema.ports import Request, Standing
from schema.positions import decode_positions, encode_positions
from schema.prepared import Prepared
from schema.selection import Field

GATHER_S = 0.2  # after a batch: what arrives meanwhile comes together, in one read and one record
WAIT_S = 30.0
AGAIN_S, AGAIN_AT_MOST_S = 0.5, 15.0
NO_MORE = "it shows this caller no such data, or no more"
STALE_S = 1.0  # so long an own batch may wait to be taken: other rules may hold by then
MARGIN_S = 60.0  # a city that can't be asked at the start is followed from then on, by this node's clock less so much


@dataclass(frozen=True, slots=True)
class FollowLimits:
    """How many subscriptions a process keeps, of one caller and in all."""

    per_caller: int
    in_all: int


@dataclass(frozen=True, slots=True)
class _Item:
    """What a city tells, why all of it ends, or (None) that it tells no more; `dealt` once the consumer wants more."""

    told: Told | Exception | None
    at: float
    dealt: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True)
class _State:
    """How far the cities are, by what was taken, and how they stand."""

    positions: dict[str, int]
    reports: dict[str, CityReport]
    items: asyncio.Queue[_Item] = field(default_factory=lambda: asyncio.Queue(1))

    async def tell(self, told: Told | Exception | None) -> None:
        """Return once it is dealt with: nobody reads ahead of what is taken."""
        item = _Item(told, asyncio.get_running_loop().time())
        await self.items.put(item)
        await item.dealt.wait()

    def take(self, told: Told) -> tuple[CityBatch, list[CityReport]]:
        """Go on by what a city tells: what there is to say of it and of the others."""
        city = told.report.city
        self.reports[city] = told.report
        if told.batch is not None:
            self.positions[city] = told.batch.position
        reports = [report if report.city == city else changed(report, rows=0) for report in self.reports.values()]
        return told.batch or CityBatch({}, 0, 0), reports


class Following:
    """Keeps subscriptions to `observations`."""

    def __init__(
        self,
        city: str,
        batches: Batches,
        membership: Callable[[], Membership],
        watch: ArrivalWatch,
        limits: FollowLimits,
    ) -> None:
        self._city = city
        self._batches = batches
        self._membership = membership
        self._watch = watch
        self._limits = limits
        self._kept: Counter[tuple[str | None, str | None]] = Counter()

    async def poll(self, request: Request, asked: Field) -> Prepared:
        """One batch of one city: `newObservations`. Raises as `Batches.poll`."""
        return await self._batches.poll(request, asked, self._membership())

    async def follow(self, request: Request, selected: Field, standing: Standing) -> AsyncGenerator[Prepared]:
        """See `schema.ports.Gate`."""
        if request.caller.peer is not None:
            raise Forbidden("observations: a node doesn't subscribe for another one", hint=f"ask for {ROOT}")
        asked = replace(selected, name=ROOT)
        state = self._begin(asked)
        with self._room(request.caller):
            tasks = [asyncio.create_task(self._city_loop(request, asked, city, state)) for city in state.reports]
            tasks.append(asyncio.create_task(self._guard(standing, state)))
            try:
                async for batch in self._out(asked, standing, state):
                    yield batch
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, asked: Field) -> _State:
        cities = datastreams_by_city(asked)
        members = self._membership()
        for city in cities:
            if city != self._city and members.by_id(city) is None:
                raise NotFound(f"datastreams: {cities[city][0]!r} is not found")
        after = asked.arguments.get("after")
        positions = {} if after is None else decode_positions(after)
        pending = "it has not been heard of yet"
        reports = {city: CityReport(city, State.PARTIAL, reason=pending) for city in cities}
        return _State({city: at for city, at in positions.items() if city in cities}, reports)

    async def _out(self, asked: Field, standing: Standing, state: _State) -> AsyncGenerator[Prepared]:
        begun = dict.fromkeys(state.reports, int((time.time() - MARGIN_S) * 1_000_000))
        is_followed, ended = False, 0
        while ended < len(state.reports):
            item = await state.items.get()
            told = item.told
            if isinstance(told, Exception):
                raise told
            if told is None:
                ended += 1
            elif not self._is_stale(told, item.at):
                is_followed = is_followed or told.report.state is not State.DENIED
                batch, reports = state.take(told)
                answer = batch_json(asked, batch, encode_positions(begun | state.positions), reports)
                await standing.check()
                if told.is_news:  # else the city has no record of it either
                    await told.record(answer)
                yield Prepared(answer)
            item.dealt.set()
        if not is_followed:
            reasons = "; ".join(f"{r.city}: {r.reason}" for r in state.reports.values())
            raise NotFound(f"datastreams: nothing of them is to be followed ({reasons})")

    def _is_stale(self, told: Told, at: float) -> bool:
        """Whether own rows were read too long ago; they are read again then."""
        waited = asyncio.get_running_loop().time() - at
        return told.report.city == self._city and told.report.rows > 0 and waited > STALE_S

    async def _city_loop(self, request: Request, asked: Field, city: str, state: _State) -> None:
        follow = self._own_loop if city == self._city else self._peer_loop
        try:
            await follow(request, asked, city, state)
        except (NotFound, Forbidden) as error:
            reason = NO_MORE if isinstance(error, NotFound) else error.message
            report = CityReport(city, State.DENIED, reason=reason)
            await state.tell(Told(report, None, is_news=True, record=_nothing))
        except Exception as error:
            await state.tell(error)
        await state.tell(None)

    async def _own_loop(self, request: Request, asked: Field, city: str, state: _State) -> None:
        after = state.positions.get(city)
        while True:
            told = await self._batches.own(request, asked, after, WAIT_S if after is not None else 0.0)
            assert told.batch is not None
            after = told.batch.position
            if told.is_news:
                await state.tell(told)
                after = state.positions[city]
                if not told.is_full:
                    await asyncio.sleep(GATHER_S)

    async def _peer_loop(self, request: Request, asked: Field, city: str, state: _State) -> None:
        begun, after, away, failures = time.time(), state.positions.get(city), State.PARTIAL, 0
        while True:
            member = self._membership().by_id(city)
            if member is None or not member.is_active:
                raise Forbidden("its membership is suspended")
            asked_at = asyncio.get_running_loop().time()
            told = await self._batches.peer(request, asked, member, after)
            if told.batch is None:
                if told.report.state is not away:
                    away = told.report.state
                    await state.tell(told)
                if away is State.DENIED:
                    return
                if after is None:
                    after = int((begun - MARGIN_S) * 1_000_000)
                failures += 1
                await asyncio.sleep(min(AGAIN_S * 2**failures, AGAIN_AT_MOST_S) * random.uniform(0.5, 1))  # noqa: S311
                continue
            after, failures = told.batch.position, 0
            if told.is_news or away is not State.OK:
                away = State.OK
                await state.tell(told)
            elif asyncio.get_running_loop().time() - asked_at > GATHER_S:
                continue
            await asyncio.sleep(GATHER_S)  # also if it did not wait: it would be asked as fast as it answers

    async def _guard(self, standing: Standing, state: _State) -> None:
        """End the subscription with the caller's token, also while nothing arrives."""
        try:
            with self._watch.bell() as bell:
                bell.series = frozenset()  # for changes of rules and revocations only
                while True:
                    bell.clear()
                    await bell.wait(await standing.check())
        except Exception as error:
            await state.tell(error)

    @contextmanager
    def _room(self, caller: Caller) -> Iterator[None]:
        key = (caller.city, caller.application)
        if self._kept[key] >= self._limits.per_caller or self._kept.total() >= self._limits.in_all:
            raise TooMany("observations: there are too many subscriptions")
        self._kept[key] += 1
        try:
            yield
        finally:
            self._kept[key] -= 1
            self._kept += Counter()  # forgets those at zero


async def _nothing(_answer: bytes) -> None:
    """What was refused has its record already."""
