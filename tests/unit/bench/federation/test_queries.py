"""What is asked of each system is valid, and asks for exactly as many rows as there are."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from graphql import build_schema, parse, validate

from tests.bench.federation.options import SYSTEMS
from tests.bench.federation.peers import SOURCE
from tests.bench.federation.world import ASKED, BY_NAME, CITIES, HOME, QUERIES, SCALE, SEEDS, global_ids
from tests.bench.read.scale import END, SLOT

SDL = Path(__file__).parents[4] / "schema" / "schema.graphql"
BESIDE = BY_NAME["F2-cities"]  # each city's own list
each_query = pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)


@each_query
def test_all_systems_understand_the_queries(query):
    own, city = (build_schema(path.read_text(encoding="utf-8")) for path in (SDL, SOURCE / "city.graphql"))
    assert set(query.documents) == set(SYSTEMS)
    for system, document in query.documents.items():
        text = document
        for name in CITIES if query is BESIDE else ():  # the gateways have a field of that name for each city
            text = text.replace(f"{name}_observations", f"{name}: observations")
        assert validate(own if system == "verbund" else city, parse(text)) == []


@each_query
def test_the_time_holds_as_many_rows_of_each_city_as_are_asked_for(query):
    start, end = (datetime.fromisoformat(query.variables[name]) for name in ("start", "end"))
    assert END - SCALE.each * SLOT <= start
    assert end == END
    assert (end - start) / SLOT * (1 if query is BESIDE else len(CITIES)) == query.variables["first"]


@each_query
def test_identical_requests_ask_for_one_datastream_and_others_for_more_than_are_under_way(query):
    assert len(query.numbers) == 1 if query.name.endswith("-identical") else len(query.numbers) > 16


def test_anybody_may_see_what_is_asked_for():
    assert HOME in CITIES
    assert {2, 4, 5, 7}.isdisjoint(number % 8 for number in ASKED)  # the shared and the internal ones


def test_cities_have_different_rows():
    spans = [range(seed, seed + SCALE.datastreams + 1) for seed in SEEDS.values()]
    assert len({number for span in spans for number in span}) == sum(map(len, spans))


def test_each_city_is_asked_for_one_datastream():
    assert [name.split(":")[0] for name in global_ids(17)] == list(CITIES)
