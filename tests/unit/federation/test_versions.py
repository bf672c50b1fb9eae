"""Owners of another schema version are asked for what they know, and the rest is null."""

from __future__ import annotations

import msgspec
import orjson
import pytest
from graphql import (
    GraphQLArgument,
    GraphQLInputField,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    build_schema,
    parse,
    print_schema,
    validate,
    validate_schema,
)
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from federation.errors import PeerIncompatible
from federation.plan import plan_page
from federation.versions import adapt
from schema.cursor import Cursor, Position, binding_of, decode, encode
from schema.document import print_document
from tests.unit.schema.test_selection import SCHEMA, tree

OURS = SCHEMA.graphql
SDL = print_schema(OURS)


def without_argument(field: str, argument: str):
    """Our schema without an argument of a root field."""
    schema = build_schema(SDL)
    del schema.query_type.fields[field].args[argument]
    return schema


def cut_field(type_name: str, field: str):
    """Our schema without a field."""
    schema = build_schema(SDL)
    del schema.type_map[type_name].fields[field]
    return schema


async def asked(document: str):
    return plan_page(await tree(document)).owner_field("fulda", None)


async def test_the_same_version_is_asked_the_same():
    question = await asked(
        '{ datasets(filter: {text: "rad", tiers: [OPEN]}, first: 3) { nodes { id title } totalCount } }'
    )
    adapted = adapt(question, OURS, build_schema(SDL))
    assert (adapted.is_same, adapted.unknown, adapted.reason) == (True, [], None)
    assert print_document([adapted.asked]) == print_document([question])
    raw = msgspec.Raw(b'{"a": 1}')
    assert adapted.whole(raw) is raw


async def test_what_it_does_not_know_is_null_and_told():
    theirs = cut_field("Dataset", "landingPage")
    question = await asked("{ datasets(first: 3) { nodes { d: landingPage id publisher { name } } totalCount } }")
    adapted = adapt(question, OURS, theirs)
    text = print_document([adapted.asked]).text
    assert "landingPage" not in text
    assert validate(theirs, parse(text)) == []
    rows = {"s": ["a"], "k": ["b"], "n0": [{"id": "fulda:dataset:a", "publisher": None}]}
    answer = {**rows, "pageInfo": {"hasNextPage": False}, "totalCount": 1, "federation": {"cities": []}}
    children = {child.name: child for child in adapted.asked.children}
    report = {"city": "fulda", "state": "OK", "asOf": None, "policyVersion": "v", "obligations": []}
    assert [child.key for child in children["federation"].children[0].children] == list(report)
    answer["federation"] = {"cities": [report]}
    whole = orjson.loads(bytes(adapted.whole(msgspec.Raw(orjson.dumps(answer)))))
    assert whole["n0"] == [{"d": None, "id": "fulda:dataset:a", "publisher": None}]
    assert (whole["s"], whole["k"]) == (["a"], ["b"])
    assert whole["totalCount"] == 1
    assert adapted.reason == "its schema is another version, which has no datasets.nodes.landingPage"


async def test_where_null_may_not_stand_what_is_above_it_is_null():
    theirs = cut_field("Publisher", "name")
    question = await asked("{ datasets(first: 3) { nodes { id publisher { name } } } }")
    adapted = adapt(question, OURS, theirs)
    assert adapted.unknown == ["datasets.nodes.publisher.name"]
    assert "publisher" not in print_document([adapted.asked]).text
    with pytest.raises(PeerIncompatible, match=r"another version, which has no datasets\.nodes\.title"):
        adapt(await asked("{ datasets { nodes { title } } }"), OURS, cut_field("Dataset", "title"))


async def test_what_would_change_the_meaning_is_not_asked():
    no_order = without_argument("datasets", "orderBy")
    no_value, no_field = build_schema(SDL), cut_field("DatasetFilter", "textPrefix")
    del no_value.type_map["DatasetOrder"].values["TITLE_DESC"]
    for theirs, document, told in (
        (no_field, '{ datasets(filter: {textPrefix: "a"}) { nodes { id } } }', "(filter).textPrefix"),
        (no_value, "{ datasets(orderBy: TITLE_DESC) { nodes { id } } }", "(orderBy) TITLE_DESC"),
        (no_order, "{ datasets(orderBy: MODIFIED_DESC) { nodes { id } } }", "(orderBy)"),
    ):
        with pytest.raises(PeerIncompatible) as refused:
            adapt(await asked(document), OURS, theirs)
        assert refused.value.reason.endswith(f"has no datasets{told}")
    nested = await asked("{ datasets { nodes { id datastreams(orderBy: NAME_DESC) { nodes { id } } } } }")
    no_value = build_schema(SDL)
    del no_value.type_map["DatastreamOrder"].values["NAME_DESC"]
    with pytest.raises(PeerIncompatible, match="datastreams"):
        adapt(nested, OURS, no_value)


async def test_an_argument_that_is_as_it_is_by_default_is_left_out():
    theirs = without_argument("datasets", "orderBy")
    adapted = adapt(await asked("{ datasets { nodes { id } } }"), OURS, theirs)
    assert "orderBy" not in adapted.asked.arguments
    assert adapted.unknown == []
    assert validate(theirs, parse(print_document([adapted.asked]).text)) == []


async def test_a_cursor_is_for_the_question_that_the_owner_sees():
    theirs = without_argument("datasets", "orderBy")
    theirs.query_type.fields["datasets"].args["depth"] = GraphQLArgument(GraphQLInt, default_value=3)
    plan = plan_page(await tree("{ datasets { nodes { id } } }"))
    start = Position("a", "fulda", "b")
    adapted = adapt(plan.owner_field("fulda", start), OURS, theirs)
    seen = {"cities": ["fulda"], "first": 20, "depth": 3}
    assert decode(adapted.asked.arguments["after"], binding_of("datasets", seen)).watermark == start
    assert encode(Cursor("b", start)) != adapted.asked.arguments["after"]


async def test_an_empty_selection_can_be_asked_for():
    question = await asked("{ datasets { nodes { publisher { name @skip(if: true) } contactPoint { email } } } }")
    adapted = adapt(question, OURS, OURS)
    text = print_document([adapted.asked]).text
    assert validate(OURS, parse(text)) == []
    assert adapted.unknown == []
    node = {"publisher": {"_": "Publisher"}, "contactPoint": {"email": None}}
    assert [child.key for child in adapted.asked.children[:3]] == ["s", "k", "n0"]
    answer = {
        "s": ["a"],
        "k": ["b"],
        "n0": [node],
        "pageInfo": {"hasNextPage": False},
        "federation": {"cities": []},
    }
    whole = orjson.loads(bytes(adapted.whole(msgspec.Raw(orjson.dumps(answer)))))
    assert whole["n0"][0] == {"publisher": {}, "contactPoint": {"email": None}}


CUTS = sorted(
    [
        (name, "fields", field)
        for name, type_ in OURS.type_map.items()
        if not name.startswith("__") and hasattr(type_, "fields")
        for field in type_.fields
    ]
    + [(name, "values", value) for name, type_ in OURS.type_map.items() for value in getattr(type_, "values", ())]
    + [("Query", "args", argument) for argument in OURS.query_type.fields["datastreams"].args]
    + [("Dataset", "types", field) for field in ("identifier", "themes", "issued")]
    + [("Query", "required", "depth"), ("DatastreamFilter", "required", "depth")]
)
EVERYTHING = """{ datastreams(first: 2, orderBy: NAME_DESC, filter: {units: ["1"]}) { totalCount nodes { id name unit
    dataset { id title identifier themes issued publisher { name homepage } distributions { title accessURL }
        contactPoint { email name } datastreams(first: 1, orderBy: NAME_ASC) { nodes { id } } }
    thing { name location { place } } latest { quality } observedProperty { key name } } } }"""


def changed(cuts):
    """Our schema with parts of it gone, of another type, or more demanding."""
    theirs = build_schema(SDL)
    required = GraphQLArgument(GraphQLNonNull(GraphQLInt))
    for name, kind, part in cuts:
        type_ = theirs.type_map[name]
        if kind == "args":
            type_.fields["datastreams"].args.pop(part, None)
        elif kind == "required" and name == "Query":
            type_.fields["datastreams"].args[part] = required
        elif kind == "required":
            type_.fields[part] = GraphQLInputField(GraphQLNonNull(GraphQLInt))
        elif kind == "types" and part in type_.fields:
            type_.fields[part].type = GraphQLList(GraphQLInt)
        elif kind in {"fields", "values"}:
            getattr(type_, kind).pop(part, None)
    return theirs


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(cuts=st.lists(st.sampled_from(CUTS), max_size=4, unique=True))
async def test_whatever_is_different_the_question_is_valid_there(cuts):
    theirs = changed(cuts)
    assume(not validate_schema(theirs))
    try:
        adapted = adapt(await asked(EVERYTHING), OURS, theirs)
    except PeerIncompatible as refused:
        assert "another version" in refused.reason
        return
    assert validate(theirs, parse(print_document([adapted.asked]).text)) == []
    if not cuts:
        assert adapted.is_same


@pytest.mark.parametrize(
    ("cut", "told"),
    [
        (("Query", "required", "depth"), "datastreams without depth"),
        (("DatastreamFilter", "required", "depth"), "datastreams(filter) without depth"),
        (("Query", "args", "filter"), "datastreams(filter)"),
    ],
)
async def test_what_a_newer_node_requires_can_not_be_given(cut, told):
    with pytest.raises(PeerIncompatible) as refused:
        adapt(await asked(EVERYTHING), OURS, changed([cut]))
    assert refused.value.reason.endswith(told)


async def test_a_value_of_another_type_is_not_asked_for():
    adapted = adapt(await asked(EVERYTHING), OURS, changed([("Dataset", "types", "identifier")]))
    assert adapted.unknown == ["datastreams.nodes.dataset.identifier"]
