"""Several cities are followed at once: what goes wrong at one costs nobody a row, and nobody is read ahead for."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from itertools import chain, repeat
from types import SimpleNamespace

import orjson
import pytest

from federation.batches import CityBatch
from federation.report import CityReport, State
from node.gate import following
from node.gate.batches import Told
from node.gate.following import Following, FollowLimits
from node.store.arrival_watch import ArrivalWatch
from policy.model import ANONYMOUS, Caller
from schema.errors import BadInput, Ended, Forbidden, NotFound, TooMany
from schema.ports import Request
from schema.positions import decode_positions, encode_positions
from tests.unit.schema.test_selection import tree

NOTHING = "nothing"
HERE, THERE = "giessen:datastream:a", "fulda:datastream:b"
DOCUMENT = "{ newObservations(datastreams: %s, after: %s) { nodes { result } cursor federation { complete cities { city state } } } }"


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch):
    for name in ("GATHER_S", "AGAIN_S"):
        monkeypatch.setattr(following, name, 0.0)


class Cities:
    """Plays `Batches`: each city has a list of what it tells, and is silent then."""

    def __init__(self, **told) -> None:
        self.told = {city: iter(rows) for city, rows in told.items()}
        self.asked: dict[str, list[int | None]] = defaultdict(list)
        self.recorded: list[str] = []

    async def own(self, request, field, after, wait_s) -> Told:
        return await self._next("giessen", after)

    async def peer(self, request, field, member, after) -> Told:
        return await self._next(member.id, after)

    async def _next(self, city: str, after: int | None) -> Told:
        self.asked[city].append(after)
        row = next(self.told[city], None)
        if row is None:
            await asyncio.Event().wait()
        if isinstance(row, Exception):
            raise row

        async def record(answer: bytes) -> None:
            self.recorded.append(city)

        if isinstance(row, State):
            return Told(CityReport(city, row), None, True, record)
        if row == NOTHING:
            await asyncio.sleep(0)
            return Told(CityReport(city, State.OK), CityBatch({"nodes": b"[]"}, 0, after or 0), False, record)
        batch = CityBatch({"nodes": orjson.dumps([{"result": row}])}, 1, row)
        return Told(CityReport(city, State.OK, rows=1), batch, True, record)


class Standing:
    def __init__(self, *, fails_after: int = 1_000_000) -> None:
        self.left = fails_after

    async def check(self) -> float:
        self.left -= 1
        if self.left < 0:
            raise Ended("over")
        return 60.0


def member(city: str):
    return SimpleNamespace(id=city, is_active=city != "wetzlar")


MEMBERS = SimpleNamespace(by_id=lambda city: member(city) if city in ("fulda", "wetzlar") else None)


def made(cities, most: int = 9) -> Following:
    return Following("giessen", cities, lambda: MEMBERS, ArrivalWatch(""), FollowLimits(most, most))


async def stream(cities, *datastreams: str, after: str | None = None, standing=None, caller=ANONYMOUS, by=None):
    text = DOCUMENT % (orjson.dumps(datastreams).decode(), orjson.dumps(after).decode())
    request = Request(caller, text, 0.0, "0" * 32, "")
    return (by or made(cities)).follow(request, await tree(text), standing or Standing())


async def taken(answers, count: int) -> list[dict]:
    async with asyncio.timeout(10):
        found = [orjson.loads((await anext(answers)).json) for _ in range(count)]
    await answers.aclose()
    return found


def results(batches) -> list[int]:
    return [node["result"] for batch in batches for node in batch["nodes"]]


async def test_each_city_goes_on_from_its_own_position():
    cities = Cities(giessen=[1, 2, 3], fulda=[10, 20, 30])
    batches = await taken(await stream(cities, HERE, THERE), 6)
    assert sorted(results(batches)) == [1, 2, 3, 10, 20, 30]
    assert (cities.asked["giessen"][:3], cities.asked["fulda"][:3]) == ([None, 1, 2], [None, 10, 20])
    assert decode_positions(batches[-1]["cursor"]) == {"giessen": 3, "fulda": 30}
    assert sorted(cities.recorded) == ["fulda"] * 3 + ["giessen"] * 3, "a record for each"


async def test_it_goes_on_from_a_cursor():
    cities = Cities(giessen=[8], fulda=[51])
    await taken(await stream(cities, HERE, THERE, after=encode_positions({"giessen": 7, "fulda": 50, "wetzlar": 1})), 2)
    assert (cities.asked["giessen"][0], cities.asked["fulda"][0]) == (7, 50)


async def test_a_city_that_is_away_is_told_once_and_asked_again_from_where_it_was():
    away = [State.UNREACHABLE] * 3 + [State.TIMEOUT]
    cities = Cities(giessen=[], fulda=[10, *away, 20])
    batches = await taken(await stream(cities, THERE), 4)
    assert [batch["federation"]["cities"][0]["state"] for batch in batches] == ["OK", "UNREACHABLE", "TIMEOUT", "OK"]
    assert results(batches) == [10, 20]
    assert cities.asked["fulda"][:6] == [None, 10, 10, 10, 10, 10]


async def test_a_city_that_is_away_at_first_is_followed_from_the_beginning_of_the_subscription():
    cities = Cities(giessen=[1], fulda=[State.UNREACHABLE, 20])
    batches = await taken(await stream(cities, HERE, THERE), 3)
    assert all(set(decode_positions(batch["cursor"])) == {"giessen", "fulda"} for batch in batches)
    begun = cities.asked["fulda"][1]
    assert begun is not None
    assert abs(begun / 1_000_000 - following.time.time()) < 2 * following.MARGIN_S
    assert not batches[0]["federation"]["complete"], "one has not been heard of yet"


async def test_nobody_is_read_ahead_for():
    cities = Cities(giessen=range(1, 1_000))
    answers = await stream(cities, HERE)
    await anext(answers)
    for _ in range(50):
        await asyncio.sleep(0)
    assert len(cities.asked["giessen"]) <= 4
    await answers.aclose()


async def test_a_city_that_does_not_wait_is_not_asked_as_fast_as_it_answers(monkeypatch):
    cities = Cities(giessen=[], fulda=chain([10], repeat(NOTHING)))
    answers = await stream(cities, THERE)
    await anext(answers)
    waiting, asked = asyncio.create_task(anext(answers)), cities.asked["fulda"]
    for _ in range(50):
        await asyncio.sleep(0)
    monkeypatch.setattr(following, "GATHER_S", 3_600)
    before = len(asked)
    for _ in range(50):
        await asyncio.sleep(0)
    assert 3 <= before <= len(asked) <= before + 2
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await answers.aclose()


async def test_what_was_not_taken_in_time_is_read_again_under_the_rules_of_then(monkeypatch):
    """Two cities: while the one's batch is with the consumer, the other's grows stale."""
    monkeypatch.setattr(following, "STALE_S", 0.0)
    cities = Cities(giessen=[1, NotFound("x")], fulda=[10])
    answers = await stream(cities, HERE, THERE, after=encode_positions({"giessen": 0, "fulda": 0}))
    batches = [orjson.loads((await anext(answers)).json) for _ in range(2)]
    await answers.aclose()
    assert results(batches) == [10]
    assert cities.asked["giessen"] == [0, 0]
    assert {"city": "giessen", "state": "DENIED"} in batches[1]["federation"]["cities"]


@pytest.mark.parametrize("refusal", [NotFound("x"), Forbidden("x"), State.DENIED])
async def test_who_gives_no_more_is_told_and_the_others_go_on(refusal):
    cities = Cities(giessen=[1, refusal] if isinstance(refusal, Exception) else [1], fulda=[10, refusal])
    answers = await stream(cities, THERE)
    batches = [orjson.loads(answer.json) async for answer in answers]
    assert [batch["federation"]["cities"][0]["state"] for batch in batches] == ["OK", "DENIED"]


async def test_if_nothing_can_be_followed_it_is_not_found():
    answers = await stream(Cities(giessen=[NotFound("x")]), HERE)
    assert orjson.loads((await anext(answers)).json)["nodes"] == []
    with pytest.raises(NotFound):
        await anext(answers)


async def test_suspended_members_are_denied_and_strangers_not_found():
    answers = await stream(Cities(), "wetzlar:datastream:c")
    assert orjson.loads((await anext(answers)).json)["federation"]["cities"] == [{"city": "wetzlar", "state": "DENIED"}]
    await answers.aclose()
    with pytest.raises(NotFound):
        await anext(await stream(Cities(), "nirgends:datastream:c"))


async def test_an_end_of_the_token_ends_it_before_the_next_batch_is_recorded():
    cities = Cities(giessen=[1, 2, 3, 4, 5])
    answers = await stream(cities, HERE, standing=Standing(fails_after=3))  # one is the guard's
    with pytest.raises(Ended):
        async for _ in answers:
            pass
    assert len(cities.recorded) == 2


async def test_what_nobody_expected_ends_it():
    with pytest.raises(ZeroDivisionError):
        await anext(await stream(Cities(giessen=[ZeroDivisionError()]), HERE))


async def test_there_are_only_so_many_and_those_that_end_make_room():
    cities = Cities(giessen=range(1, 1_000))
    followed = made(cities, most=2)
    running = [await stream(cities, HERE, by=followed) for _ in range(2)]
    for answers in running:
        await anext(answers)
    with pytest.raises(TooMany):
        await anext(await stream(cities, HERE, by=followed))
    await running[0].aclose()
    await anext(another := await stream(cities, HERE, by=followed))
    for answers in (running[1], another):
        await answers.aclose()


async def test_nodes_and_nonsense_are_refused():
    peer = Caller(city="offenbach", application="x", purpose="research", peer="offenbach")
    with pytest.raises(Forbidden):
        await anext(await stream(Cities(), HERE, caller=peer))
    for datastreams, after in ([], None), ([HERE] * 0 + [f"{HERE}{n}" for n in range(101)], None), ([HERE], "x"):
        with pytest.raises(BadInput):
            await anext(await stream(Cities(), *datastreams, after=after))
