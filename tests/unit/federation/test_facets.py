"""Facets of several cities are added up, in whatever order they arrive."""

from __future__ import annotations

from collections import Counter

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.errors import PeerIncompatible
from federation.facets import MAX_INT, VALUES, Counted, add_up
from federation.parts import CityPart
from federation.results import plan_result
from federation.told import MAX_COUNT
from schema.document import print_document
from tests.unit.schema.test_selection import tree

CITIES = ("fulda", "giessen", "offenbach")
counted = st.builds(Counted, st.sampled_from("abcdef"), st.sampled_from(["L", "M"]), st.integers(0, 9))
facets = st.lists(counted, max_size=6, unique_by=lambda one: one.value)


def members(total=0, **facets: list) -> dict[str, msgspec.Raw]:
    return {name: msgspec.Raw(orjson.dumps(value)) for name, value in {"total": total, **facets}.items()}


def row(value: str, count: int = 1, label: str = "L") -> dict:
    return {"value": value, "label": label, "count": count}


@given(st.lists(facets, max_size=4))
def test_counts_are_summed_by_value(given_):
    summed = add_up(given_)
    expected: Counter[str] = Counter()
    for facet in given_:
        for one in facet:
            expected[one.value] += one.count
    assert {one.value: one.count for one in summed} == expected
    assert [(-one.count, one.value) for one in summed] == sorted((-one.count, one.value) for one in summed)


@given(st.lists(facets, min_size=2, max_size=4))
def test_adding_up_in_two_steps_is_adding_up(given_):
    counts = [(one.value, one.count) for one in add_up(given_)]
    assert [(one.value, one.count) for one in add_up([add_up(given_[:1]), add_up(given_[1:])])] == counts
    assert [(one.value, one.count) for one in add_up(given_[::-1])] == counts


@given(st.permutations(CITIES), st.dictionaries(st.sampled_from(CITIES), facets))
async def test_the_order_of_arrival_does_not_matter(arrival, given_):
    plan = plan_result(await tree("{ datasetFacets { total themes { label value count } } }"), 4, list)
    read = {
        city: plan.read(city, members(len(facet), themes=[msgspec.to_builtins(one) for one in facet]))
        for city, facet in given_.items()
    }
    answer = plan.assemble({city: read[city] for city in arrival if city in read})
    assert answer == plan.assemble({city: read[city] for city in sorted(read)})
    assert orjson.loads(answer["total"]) == sum(map(len, given_.values()))
    labels = {one.value: one.label for city in sorted(given_, reverse=True) for one in given_[city]}
    assert {one["value"]: one["label"] for one in orjson.loads(answer["themes"])} == labels


async def test_an_owner_is_asked_for_all_values_of_each_facet_once():
    root = await tree(
        """{ datasetFacets(cities: ["fulda", "giessen"], filter: {text: "rad"}, require: ALL) {
            a: keywords(first: 2) { value } b: keywords(first: 9) { count } themes { n: count } } }"""
    )
    asked = plan_result(root, 4, list).owner_field("fulda")
    assert asked.arguments == {"cities": ["fulda"], "filter": {"text": "rad"}}
    document = print_document([asked])
    assert document.text.count("keywords") == 1
    assert "{ total keywords(first: $v2) { value label count } themes { value label count } federation" in document.text
    assert document.variables["v2"] == VALUES


async def test_what_is_rare_in_every_city_may_be_frequent_in_all():
    root = await tree(
        "{ datasetFacets { __typename t: total k: keywords(first: 1) { v: value c: count __typename } all: keywords { label } } }"
    )
    plan = plan_result(root, 4, list)
    parts = {
        "fulda": plan.read("fulda", members(9, keywords=[row("rad", 5), row("verkehr", 4, "Verkehr")])),
        "giessen": plan.read("giessen", members(4, keywords=[row("verkehr", 4, "traffic")])),
    }
    answer = {key: orjson.loads(json) for key, json in plan.assemble(parts).items()}
    assert answer == {
        "t": 13,
        "k": [{"v": "verkehr", "c": 8, "__typename": "FacetCount"}],
        "all": [{"label": "Verkehr"}, {"label": "L"}],
    }
    assert [part.rows for part in parts.values()] == [9, 4]


async def test_a_sum_stays_an_int():
    plan = plan_result(await tree("{ datasetFacets { total tiers { count } } }"), 4, list)
    part = plan.read("fulda", members(MAX_COUNT, tiers=[row("OPEN", MAX_COUNT)]))
    answer = plan.assemble({f"c{n}": CityPart(part.rows, part.value) for n in range(1000)})
    assert orjson.loads(answer["total"]) == MAX_INT
    assert orjson.loads(answer["tiers"]) == [{"count": MAX_INT}]


@pytest.mark.parametrize(
    "members_",
    [
        members(-1, themes=[], cities=[]),
        members(MAX_COUNT + 1, themes=[], cities=[]),
        members(None, themes=[], cities=[]),
        members(1.5, themes=[], cities=[]),
        members(1, themes=[row("a", -1)], cities=[]),
        members(1, themes=[row("a", MAX_COUNT + 1)], cities=[]),
        members(1, themes=[row("a"), row("a")], cities=[]),
        members(1, themes=[row("a" * 501)], cities=[]),
        members(1, themes=[row("a", label="a" * 2_001)], cities=[]),
        members(1, themes=[row(str(n)) for n in range(VALUES + 1)], cities=[]),
        members(1, themes=[row("a", "1")], cities=[]),
        members(1, themes=[{"value": "a"}], cities=[]),
        members(1, themes=[None], cities=[]),
        members(1, themes={}, cities=[]),
        members(1, themes=[], cities=[row("giessen")]),
        members(1, themes=[], cities=[row("fulda"), row("giessen")]),
        members(1, cities=[]) | {"themes": msgspec.Raw(b'[{"value":"a","label":"a","count":NaN}]')},
        members(1, cities=[]) | {"themes": msgspec.Raw(b'[{"value":"\\ud800","label":"a","count":1}]')},
    ],
)
async def test_made_up_counts_are_refused(members_):
    plan = plan_result(await tree("{ datasetFacets { themes { value } cities { value } } }"), 4, list)
    with pytest.raises(PeerIncompatible):
        plan.read("fulda", members_)


async def test_nobody_answered():
    plan = plan_result(await tree("{ datasetFacets { total themes { value } } }"), 4, list)
    assert plan.assemble({}) == {"total": b"0", "themes": b"[]"}
