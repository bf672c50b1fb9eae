"""Series and groups: whatever the caller selects, and wherever the parts come from, the answer is what was asked."""

from __future__ import annotations

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.elements import MAX_GROUPS, GroupsPlan, SeriesPlan, columns_of
from federation.errors import PeerIncompatible
from federation.parts import CityPart
from federation.results import plan_result
from schema.document import print_document
from schema.selection import TYPENAME, Field

CITIES = ("fulda", "giessen", "offenbach")


def plan_of(root: Field):
    """Groups that divide by city."""
    return plan_result(root, 1, list)


def field(name: str, *children: Field, key: str | None = None, of: str = "", **arguments) -> Field:
    types = dict.fromkeys((*arguments, "cities", "datastreams"), "T")
    return Field(name, key or name, of or name.title(), arguments, types, children)


def series_of(*ids: str, selections: tuple[Field, ...] | None = None, **arguments) -> Field:
    chosen = selections or (field("series", field("times"), field("values"), of="Series"),)
    return field("series", *chosen, of="SeriesResult", datastreams=list(ids), **arguments)


def groups_of(*selections: Field, **arguments) -> Field:
    return field("aggregate", *selections, of="AggregateResult", **arguments)


def evaluate(selected: Field, value: dict) -> dict:
    """What an owner answers for a selection: values stand by name and arguments."""
    answer = {}
    for child in selected.children:
        if child.name == TYPENAME:
            answer[child.key] = selected.type_name
        elif child.children:
            answer[child.key] = evaluate(child, value[child.name])
        else:
            answer[child.key] = [value[child.name], child.arguments["at"]] if child.arguments else value[child.name]
    return answer


def answer_of(asked: Field, values: list[dict]) -> dict[str, msgspec.Raw]:
    (listed,) = (child for child in asked.children if child.name != "federation")
    return {listed.key: msgspec.Raw(orjson.dumps([evaluate(listed, value) for value in values]))}


def series(id_: str) -> dict:
    return {"datastream": {"id": id_, "name": f"name of {id_}"}, "times": "t", "values": "v", "ends": "e"}


def read_series(plan: SeriesPlan, city: str, *named: str) -> CityPart:
    return plan.read(city, answer_of(plan.owner_field(city), [series(id_) for id_ in named]))


def ids(city: str, *keys: str) -> list[str]:
    return [f"{city}:datastream:{key}" for key in keys]


leaves = st.sampled_from([field("times"), field("values"), field("ends"), field(TYPENAME)])
with_arguments = st.builds(lambda at: field("quantile", at=at), st.sampled_from([0.5, 0.9]))
objects = st.lists(
    st.sampled_from([field("id"), field("name")]), min_size=1, max_size=2, unique_by=lambda f: f.key
).map(lambda children: field("datastream", *children))


@st.composite
def selection(draw) -> Field:
    """A selection of a list, with aliases as they may be."""
    children = draw(st.lists(st.one_of(leaves, with_arguments, objects), min_size=1, max_size=8))
    keyed = [
        Field(
            one.name,
            draw(st.sampled_from([one.name, f"{one.name}{number}", "k"])),
            one.type_name,
            one.arguments,
            {},
            one.children,
        )
        for number, one in enumerate(children)
    ]
    unique = {one.key: one for one in keyed}
    return field("groups", *unique.values(), of="AggregateGroup")


@given(st.lists(selection(), max_size=4), st.integers(0, 3))
def test_every_selection_gets_what_it_would_have_got_by_itself(selections, number):
    keyed = [Field(one.name, f"s{n}", one.type_name, {}, {}, one.children) for n, one in enumerate(selections)]
    plan = plan_of(groups_of(*keyed))
    groups = [
        {"times": n, "values": 2 * n, "ends": None, "quantile": 0, "datastream": {"id": n, "name": "x"}}
        for n in range(number)
    ]
    part = plan.read("fulda", answer_of(plan.owner_field("fulda"), groups))
    assert part.rows == number
    answer = {key: orjson.loads(json) for key, json in plan.assemble({"fulda": part}).items()}
    assert answer == {one.key: [evaluate(one, group) for group in groups] for one in keyed}


@given(st.lists(selection(), min_size=1, max_size=4))
def test_an_owner_is_asked_for_each_thing_once(selections):
    columns = columns_of(selections).asked
    keys = [one.key for one in columns]
    assert len(set(keys)) == len(keys)
    assert not any(
        (one.name, one.arguments, one.children) == (other.name, other.arguments, other.children)
        for number, one in enumerate(columns)
        for other in columns[:number]
    )


@given(st.permutations(CITIES), st.one_of(st.none(), st.permutations(CITIES)))
def test_groups_stand_city_by_city_in_the_callers_order_or_by_id(arrival, named):
    chosen = {} if named is None else {"cities": list(named)}
    plan = plan_of(groups_of(field("groups", field("city"), of="AggregateGroup"), **chosen))
    parts = {}
    for city in arrival:
        asked = plan.owner_field(city)
        parts[city] = plan.read(city, answer_of(asked, [{"city": city}, {"city": city.upper()}]))
    (json,) = plan.assemble(parts).values()
    order = named or sorted(CITIES)
    assert [group["city"] for group in orjson.loads(json)] == [name for c in order for name in (c, c.upper())]


@given(st.permutations([*ids("fulda", "a", "b"), *ids("giessen", "a"), *ids("offenbach", "c", "d")]), st.data())
def test_series_stand_in_the_order_in_which_they_were_named(named, data):
    known = data.draw(st.sets(st.sampled_from(named)))
    named_twice = data.draw(st.lists(st.sampled_from(named), max_size=3))
    selected = field("series", field("datastream", field("id")), of="Series")
    plan = plan_of(series_of(*named, *named_twice, selections=(selected,)))
    parts = {
        city: read_series(plan, city, *sorted(id_ for id_ in known if id_.startswith(city)))
        for city in data.draw(st.permutations(CITIES))
    }
    (json,) = plan.assemble(parts).values()
    assert [one["datastream"]["id"] for one in orjson.loads(json)] == [id_ for id_ in named if id_ in known]
    assert sum(part.rows for part in parts.values()) == len(known)


def test_an_owner_learns_of_its_own_datastreams_only():
    root = series_of(*ids("fulda", "a"), *ids("giessen", "b", "c", "b"), require="ALL", every="P1D")
    asked = plan_of(root).owner_field("giessen")
    assert asked.arguments == {"datastreams": ids("giessen", "b", "c"), "every": "P1D"}
    document = print_document([asked])
    assert "k: datastream { id } times values" in document.text
    assert "federation { cities { city state asOf policyVersion obligations } }" in document.text
    assert "fulda" not in str(document.variables)


def test_an_aggregate_is_asked_for_of_one_city():
    root = groups_of(field("groups", field("city"), of="AggregateGroup"), cities=["fulda", "giessen"], require="ALL")
    assert plan_of(root).owner_field("fulda").arguments == {"cities": ["fulda"]}


@pytest.mark.parametrize("children", [(), (field(TYPENAME),)])
def test_groups_are_asked_for_even_if_nothing_of_them_is_selected(children):
    selected = [field("groups", *children, of="AggregateGroup", key="g")] if children else []
    plan = plan_of(groups_of(*selected))
    assert "groups { __typename } federation" in print_document([plan.owner_field("fulda")]).text
    part = plan.read("fulda", {"groups": msgspec.Raw(b'[{"__typename":"AggregateGroup"}]')})
    assert part.rows == 1
    expected = {"g": b'[{"__typename":"AggregateGroup"}]'} if children else {}
    assert plan.assemble({"fulda": part}) == expected


def test_the_same_form_of_question_has_the_same_form_for_every_owner():
    one, other = series_of(*ids("fulda", "a")), series_of(*ids("fulda", "b"))
    shaped = [
        plan_of(Field(f.name, f.key, f.type_name, f.arguments, f.argument_types, f.children, shape=("x",)))
        for f in (one, other)
    ]
    first, second = (plan.owner_field("fulda") for plan in shaped)
    assert first.shape == second.shape is not None
    assert first.shape != ("x",), "what the owner is asked is not what the caller asked"
    assert plan_of(one).owner_field("fulda").shape is None


@pytest.mark.parametrize(
    "array",
    [
        b'[{"k":{"id":"giessen:datastream:b"},"times":[],"values":[]}]',
        b'[{"k":{"id":"fulda:datastream:z"},"times":[],"values":[]}]',
        b'[{"k":{"id":"fulda:datastream:a"},"times":[],"values":[]},{"k":{"id":"fulda:datastream:a"},"times":[],"values":[]}]',
        b'[{"k":{"id":"fulda:datastream:a"}},{"k":{"id":"fulda:datastream:a2"}},{"k":{"id":"fulda:datastream:a3"}}]',
        b'[{"times":[],"values":[]}]',
        b'[{"k":{"id":5},"times":[],"values":[]}]',
        b'[{"k":null,"times":[],"values":[]}]',
        b"[null]",
        b"{}",
        b"null",
        b"[",
    ],
)
def test_series_that_were_not_asked_for_are_refused(array):
    plan = plan_of(series_of(*ids("fulda", "a", "a2"), *ids("giessen", "b")))
    with pytest.raises(PeerIncompatible):
        plan.read("fulda", {"series": msgspec.Raw(array)})


def test_more_groups_than_a_node_gives_are_refused():
    plan = plan_of(groups_of(field("groups", field("city"), of="AggregateGroup")))
    assert (
        plan.read("fulda", {"groups": msgspec.Raw(orjson.dumps([{"city": "fulda"}] * MAX_GROUPS))}).rows == MAX_GROUPS
    )
    with pytest.raises(PeerIncompatible, match="10001 elements where 10000"):
        plan.read("fulda", {"groups": msgspec.Raw(orjson.dumps([{"city": "fulda"}] * (MAX_GROUPS + 1)))})


def test_an_element_of_which_everything_is_skipped_is_empty():
    plan = plan_of(groups_of(field("groups", of="AggregateGroup")))
    part = plan.read(
        "fulda", {"groups": msgspec.Raw(b'[{"__typename":"AggregateGroup"},{"__typename":"AggregateGroup"}]')}
    )
    assert plan.assemble({"fulda": part}) == {"groups": b"[{},{}]"}


def test_nobody_answered():
    assert plan_of(series_of(*ids("fulda", "a"))).assemble({}) == {"series": b"[]"}
    root = groups_of(field("groups", field("city"), of="AggregateGroup"))
    assert plan_of(root).assemble({}) == {"groups": b"[]"}


def test_the_plans_are_chosen_by_type():
    assert isinstance(plan_of(series_of()), SeriesPlan)
    assert isinstance(plan_of(groups_of()), GroupsPlan)
    assert plan_of(groups_of()).assemble({"fulda": CityPart(0, [])}) == {}
