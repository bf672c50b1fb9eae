"""Seeded schedules over the wire: tokens, proofs, receipts, skewed clocks, breakers, hedges and skipped cities.

What the schedules of `test_schedules` promise of rows holds here as well; and of the traffic: nobody waits beyond the
deadline of a peer, a city that hangs is soon left alone, further requests stay within their budget.

A failing seed can be replayed: `pytest tests/simulator/test_wire.py --seeds=1234:1235`.
"""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import orjson

from federation.client import PeerBounds, PeerClient
from federation.fanout import Fanout
from federation.foreign import ForeignSchemas
from federation.health.peers import PeerHealths
from federation.jose import public_jwks
from federation.proofs import AHEAD_S
from federation.shape import Shapes
from federation.summary import Absence
from federation.tokens import PeerTokens
from node.gate import CityGate
from policy.model import ANONYMOUS
from schema.ports import Context, Request
from tests.simulator.clock import run
from tests.simulator.homes import EXECUTOR, REQUEST_S, SCHEMA, FakeLog, FakeOwn, membership_of, nobodys
from tests.simulator.owners import OwnersGate, Row, in_order
from tests.simulator.test_schedules import rows_of
from tests.simulator.wire import KEYS, Owner, Trouble, Wire

DOCUMENT = """query ($first: Int!, $after: String) { things(first: $first, after: $after) {
  nodes { id city } pageInfo { hasNextPage endCursor } federation { complete cities { city state rows } } } }"""
PEER_S = 2.0
SOON = 1e-6
SHARE = 5  # of the seeds: signatures take time
MAX_PAGES = 400
APART = AHEAD_S / 2 - 1  # seconds that a clock may be off
WRONG = 200.0  # seconds that a clock is off that nobody can work with
TROUBLES = [one for one in Trouble if one is not Trouble.NONE]
FURTHER = 5.0  # requests that may be saved up, and a tenth of all


class Home:
    """A node that asks the others over the wire."""

    def __init__(self, own: Owner, owners: dict[str, Owner], fate: Any, without: set[str]) -> None:
        self.wire = Wire(own, owners, EXECUTOR, fate)
        self.healths = PeerHealths(8)
        self.tokens = PeerTokens(own.issuer, lambda: own.key, self.wire, clock=own.now, monotonic=_now)  # type: ignore[arg-type]
        self.client = PeerClient(self.wire, self.tokens, PeerBounds(PEER_S, 10**6), self.healths, clock=own.now)  # type: ignore[arg-type]
        membership = membership_of(*((one.city, public_jwks(one.key)) for one in owners.values()))
        graphql = SCHEMA.graphql
        self.gate = CityGate(
            city=own.city,
            own=FakeOwn(own.gate),  # type: ignore[arg-type]
            membership=lambda: membership,
            fanout=Fanout(self.client, Shapes(graphql), graphql, ForeignSchemas("", nobodys)),
            access_log=FakeLog(),  # type: ignore[arg-type]
            why_skip=lambda member, *_: Absence("it has nothing") if member.id in without else None,
        )

    async def ask(self, number: int, **variables: Any) -> dict[str, Any]:
        """A page."""
        trace = f"{number:032x}"
        request = Request(ANONYMOUS, DOCUMENT, _now() + REQUEST_S, trace, f"00-{trace}-{'0' * 16}-01")
        context = Context(request, self.gate, None)  # type: ignore[arg-type]
        result = await EXECUTOR.execute(DOCUMENT, variables, None, context)
        assert not result.errors, result.errors
        return orjson.loads(result.data or b"null")["things"]

    async def close(self) -> None:
        """End what is under way: probes outlive their callers."""
        await self.client.close()
        await self.tokens.close()


def test_schedules_over_the_wire(seeds):
    for seed in seeds[::SHARE]:
        try:
            run(_page_through(Random(seed)))
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _page_through(random: Random) -> None:
    cities = [f"city{number}" for number in range(random.randint(2, 7))]
    rows = {city: [] if random.random() < 0.2 else rows_of(random, city, 14) for city in cities}
    skews = {city: random.uniform(-APART, APART) for city in cities}
    if is_wrong := random.random() < 0.15:
        skews[cities[-1]] = random.choice((-WRONG, WRONG))
    owners = {
        city: Owner(city, OwnersGate(city, own), key, skews[city])
        for key, (city, own) in zip(KEYS, rows.items(), strict=False)
    }
    without = {city for city, own in rows.items() if not own}
    badness, bad_pages, page_number = random.random() * 0.7, random.randint(0, 15), 0
    hanging = random.choice(cities) if random.random() < 0.3 else None

    def fate(city: str) -> tuple[Trouble, float]:
        is_bad = page_number < bad_pages
        if is_bad and city == hanging:
            return Trouble.HANGS, 0.0
        if is_bad and random.random() < badness:
            return random.choice(TROUBLES), random.random() * 2.5
        return Trouble.NONE, random.choice((0.01, 0.02, random.random() * 0.4))

    homes = {city: Home(own, owners, fate, without - {city}) for city, own in owners.items()}
    entries = cities[: -1 if is_wrong else None] if len(cities) > 2 else cities[:1]
    first = random.randint(1, 7)
    reachable = [row for city, own in rows.items() if not (is_wrong and city == cities[-1]) for row in own]
    whole = in_order(reachable, descending=False)
    rank = {row.id: number for number, row in enumerate(whole)}
    seen: list[str] = []
    after, tries = None, 0
    while True:
        assert page_number < MAX_PAGES, "paging does not come to an end"
        home = homes[random.choice(entries)]
        home.wire.answered.clear()
        began = _now()
        page = await home.ask(page_number, first=first, after=after)
        assert _now() - began <= PEER_S + SOON, "a page took longer than a peer may"
        page_number += 1
        ids = [node["id"] for node in page["nodes"]]
        assert [rank[id_] for id_ in ids] == sorted(rank[id_] for id_ in ids), "a page is out of order"
        _check_claims(page, home, without)
        seen += ids
        assert len(seen) == len(set(seen)), "a row came twice"
        after = page["pageInfo"]["endCursor"] or after
        missing = {row["city"] for row in page["federation"]["cities"] if row["state"] not in {"OK", "SKIPPED"}}
        assert page["federation"]["complete"] == (not missing)
        if missing <= ({cities[-1]} if is_wrong else set()) and not page["pageInfo"]["hasNextPage"]:
            break
        tries += bool(missing)
        await asyncio.sleep(random.choice((0.0, 0.1, 5.0)) + (31.0 if tries > 20 else 0.0))  # breakers have a pause
    for city, home in homes.items():
        await home.close()
        for other, asked in home.wire.asked.items():
            assert asked <= 1.1 * page_number + FURTHER, f"{city} asked {other} {asked} times for {page_number} pages"
    assert sorted(seen) == sorted(rank), "a row is lost"


def _check_claims(page: dict[str, Any], home: Home, without: set[str]) -> None:
    told = {row["city"]: row for row in page["federation"]["cities"]}
    for city, row in told.items():
        own = [node["id"] for node in page["nodes"] if node["city"] == city]
        assert row["rows"] == len(own)
        if city == home.gate._city:
            assert row["state"] == "OK"
        elif row["state"] == "OK":
            assert city in home.wire.answered, "a city is said to have answered that did not"
        elif row["state"] == "SKIPPED":
            assert city in without
        else:
            assert not own, "rows of a city that did not answer"


def test_a_city_that_hangs_is_left_alone_and_comes_back():
    """It costs its deadline a few times, then next to nothing; once it is well, its rows come, late."""
    owners = {
        city: Owner(city, OwnersGate(city, [Row(city, f"n{n:03}", f"k{n}") for n in range(100)]), key, 0.0)
        for city, key in zip(("home", "well", "ill"), KEYS, strict=False)
    }
    is_ill = False

    def fate(city: str) -> tuple[Trouble, float]:
        return (Trouble.HANGS, 0.0) if is_ill and city == "ill" else (Trouble.NONE, 0.02)

    async def main() -> None:
        nonlocal is_ill
        home = Home(owners["home"], owners, fate, set())

        async def page(number: int) -> tuple[float, str]:
            began = _now()
            found = await home.ask(number, first=3)
            return _now() - began, {row["city"]: row["state"] for row in found["federation"]["cities"]}["ill"]

        healthy = [await page(number) for number in range(40)]
        assert {state for _, state in healthy[1:]} == {"OK"}
        usual = max(took for took, _ in healthy[5:])
        is_ill = True
        waits = [await page(number) for number in range(100, 140)]
        assert {state for _, state in waits} == {"TIMEOUT"}
        assert max(took for took, _ in waits) <= PEER_S + SOON
        left_alone = [took for took, _ in waits[8:]]
        assert max(left_alone) <= 1.2 * usual, "probes included"
        is_ill = False
        await asyncio.sleep(31)
        recovered = [await page(number) for number in range(200, 203)]
        assert recovered[-1][1] == "OK"
        await home.close()

    run(main())
