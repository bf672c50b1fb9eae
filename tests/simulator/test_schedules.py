"""Seeded schedules of faults: no row is lost, doubled, out of order or wrongly claimed, whichever node is asked.

In some of them the owners' rules change from page to page: what is withdrawn does not come any more, what is let through
again comes once or, if its place has been passed, not at all.

A failing seed can be replayed: `pytest tests/simulator --seeds=1234:1235`. A long run: `--seeds=0:10000`.
"""

from __future__ import annotations

from random import Random

from tests.simulator.clock import run
from tests.simulator.homes import Simulation
from tests.simulator.network import Fate, Fault
from tests.simulator.owners import Row, in_order

DOCUMENT = """query ($first: Int!, $after: String, $order: ThingOrder!) {
  things(first: $first, after: $after, orderBy: $order) {
    nodes { id name city } pageInfo { hasNextPage endCursor }
    federation { complete cities { city state rows late } } } }"""
MAX_PAGES = 400
MAX_CHANGES = 40  # pages after which the rules stay as they are
FAULTY = (*Fault, Fault.SLOW, Fault.LOST, Fault.LOST)


def test_schedules(seeds):
    for seed in seeds:
        try:
            run(_page_through(Random(seed)))
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error


async def _page_through(random: Random) -> None:
    cities = [f"city{number}" for number in range(random.randint(2, 9))]
    is_large = random.random() < 0.25  # then owners are asked for less than a page
    rows = {city: rows_of(random, city, random.choice((5, 60)) if is_large else 14) for city in cities}
    descending, first = random.random() < 0.5, random.randint(20, 50) if is_large else random.randint(1, 7)
    badness, bad_pages, page_number = random.random() * 0.8, random.randint(0, 12), 0

    def fate(_city: str) -> Fate:
        if page_number >= bad_pages or random.random() > badness:
            return Fate(seconds=random.random() * 1.5)
        return Fate(random.choice(FAULTY), random.random() * 3)

    simulation = Simulation(rows, fate)
    whole = in_order([row for own in rows.values() for row in own], descending=descending)
    rank = {row.id: number for number, row in enumerate(whole)}
    is_restless, touched = random.random() < 0.3, set[str]()
    seen: list[str] = []
    after, watermark = None, -1
    while True:
        assert page_number < MAX_PAGES, "paging does not come to an end"
        entry = random.choice(cities)
        simulation.network.expected = {entry: "OK"}
        order = "NAME_DESC" if descending else "NAME_ASC"
        page = (await simulation.ask(entry, DOCUMENT, first=first, after=after, order=order))["things"]
        page_number += 1
        ids = [node["id"] for node in page["nodes"]]
        assert len(ids) <= first
        if page["federation"]["complete"] and page["pageInfo"]["hasNextPage"]:
            assert len(ids) == first, "a page is short, though all answered and there is more"
        assert [rank[id_] for id_ in ids] == sorted(rank[id_] for id_ in ids), "a page is out of order"
        withdrawn = {id_ for owner in simulation.owners.values() for id_ in owner.withdrawn}
        assert withdrawn.isdisjoint(ids), "a row came though it was withdrawn"
        _check_claims(page, simulation.network.expected, rank, watermark)
        seen += ids
        assert len(seen) == len(set(seen)), "a row came twice"
        watermark = max([watermark, *(rank[id_] for id_ in ids)])
        complete, more = page["federation"]["complete"], page["pageInfo"]["hasNextPage"]
        after = page["pageInfo"]["endCursor"] or after
        if complete and not more:
            break
        if is_restless and page_number < MAX_CHANGES:
            touched |= _change_rules(random, simulation)
    assert sorted({*seen} - touched) == sorted(rank.keys() - touched), "a row is lost"


def _change_rules(random: Random, simulation: Simulation) -> set[str]:
    """Some owner withdraws some rows and lets others through again; their ids."""
    owner = random.choice(list(simulation.owners.values()))
    changed = {row.id for row in owner.rows[False] if random.random() < 0.2}
    owner.withdrawn ^= changed
    return changed


def _check_claims(page, expected, rank, watermark) -> None:
    told = {row["city"]: row for row in page["federation"]["cities"]}
    assert {city: row["state"] for city, row in told.items()} == expected
    assert page["federation"]["complete"] == all(state == "OK" for state in expected.values())
    for city, row in told.items():
        own = [node["id"] for node in page["nodes"] if node["city"] == city]
        assert row["rows"] == len(own)
        assert row["late"] == sum(rank[id_] < watermark for id_ in own)
        assert not own or row["state"] == "OK", "rows of a city that did not answer"


def rows_of(random: Random, city: str, most: int) -> list[Row]:
    """Up to so many rows, some of them with the same name."""
    names = ["".join(random.choices("abß", k=2)) for _ in range(random.randint(0, most))]
    return [Row(city, name, f"k{number}") for number, name in enumerate(names)]
