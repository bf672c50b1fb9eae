"""Four hundred owners: one page in one round trip, with a cursor as short as that of four."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from tests.simulator.clock import run
from tests.simulator.homes import Simulation
from tests.simulator.network import Fate, Fault
from tests.simulator.owners import Row, in_order

DOCUMENT = """query ($after: String) { things(first: 50, after: $after) { nodes { id name } pageInfo { hasNextPage endCursor }
  federation { complete cities { city state rows } } } }"""


def federation(cities: int, fate=lambda _: Fate()) -> tuple[Simulation, list[Row]]:
    """So many cities with a hundred rows each."""
    random = Random(cities)
    rows = {
        f"city{number:03}": [Row(f"city{number:03}", f"{random.random():.6f}", f"k{key}") for key in range(100)]
        for number in range(cities)
    }
    whole = in_order([row for own in rows.values() for row in own], descending=False)
    return Simulation(rows, fate), whole


@pytest.mark.parametrize("cities", [4, 400])
def test_a_page_costs_one_round_trip_and_its_cursor_does_not_grow(cities):
    simulation, whole = federation(cities)

    async def pages():
        began = asyncio.get_running_loop().time()
        first = (await simulation.ask("city000", DOCUMENT))["things"]
        assert asyncio.get_running_loop().time() - began < 0.2, "an exchange takes 0.05 s"
        second = (await simulation.ask("city001", DOCUMENT, after=first["pageInfo"]["endCursor"]))["things"]
        return first, second

    first, second = run(pages())
    assert [node["id"] for node in first["nodes"] + second["nodes"]] == [row.id for row in whole[:100]]
    assert first["federation"]["complete"]
    assert len(first["pageInfo"]["endCursor"]) < 120
    assert simulation.network.asked == {f"city{number:03}": 2 for number in range(2, cities)} | {
        "city000": 1,
        "city001": 1,
    }


def test_among_many_an_owner_sends_a_fraction_of_a_page():
    few, _ = federation(4)
    many, _ = federation(400)
    for simulation in (few, many):
        run(simulation.ask("city000", DOCUMENT))
    assert many.network.bytes / 399 < few.network.bytes / 3 / 4


def test_a_city_that_has_nearly_the_whole_page_is_asked_twice():
    rows = {
        f"city{n}": [Row(f"city{n}", f"{'a' if n == 3 else 'b'}{k:03}", f"k{k}") for k in range(70)] for n in range(9)
    }
    whole = in_order([row for own in rows.values() for row in own], descending=False)
    simulation = Simulation(rows)
    page = run(simulation.ask("city0", DOCUMENT))["things"]
    assert [node["id"] for node in page["nodes"]] == [row.id for row in whole[:50]]
    assert simulation.network.asked == {f"city{n}": 2 if n == 3 else 1 for n in range(1, 9)}


def test_cities_that_are_away_are_all_that_a_cursor_holds_besides_its_watermark():
    away = {f"city{number:03}" for number in range(5, 400, 40)}
    simulation, whole = federation(400, lambda city: Fate(Fault.LOST if city in away else Fault.NONE))
    page = run(simulation.ask("city000", DOCUMENT))["things"]
    assert [node["id"] for node in page["nodes"]] == [row.id for row in whole if row.city not in away][:50]
    assert {row["city"] for row in page["federation"]["cities"] if row["state"] != "OK"} == away
    assert len(page["pageInfo"]["endCursor"]) < 120 + 20 * len(away)


def test_a_page_that_only_the_home_city_answers_can_be_gone_on_from():
    """As when its network fails, or the caller's deadline is short: a cursor has room for nearly all cities at once."""
    faults = iter((Fault.NONE, Fault.LOST, Fault.NONE))
    fault = next(faults)
    simulation, whole = federation(400, lambda _: Fate(fault))
    pages, after = [], None
    for later in (*faults, None):
        page = run(simulation.ask("city000", DOCUMENT, after=after))["things"]
        pages.append([node["id"] for node in page["nodes"]])
        after, fault = page["pageInfo"]["endCursor"], later
    begun, alone, late = pages
    assert begun == [row.id for row in whole[:50]]
    assert {id_.partition(":")[0] for id_ in alone} == {"city000"}
    assert late == [row.id for row in whole[50:] if row.id not in alone][:50]
