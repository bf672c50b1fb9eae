"""Without a grant, no field of the API gives a row; fields that are added later are covered by themselves."""

from __future__ import annotations

import psycopg
import pytest
from graphql import get_named_type, is_object_type, is_required_argument

from federation.batches import ROOT
from node.store.limits import PageLimits
from node.store.reader import Reader
from node.store.sessions import Sessions
from schema.build import build_schema
from schema.query import LOCAL
from tests.integration.store.conftest import ALL, SEED, Store, scope_of
from tests.unit.schema.test_selection import tree

QUERY = build_schema().graphql.query_type
EXEMPT = LOCAL | {"accessLog"}  # no data of datasets; scopes of their own, tested where they are checked
ARRIVED = "insert into arrival select 1, datastream_id, array_agg(phenomenon_time) from observation group by 2 limit 1"
IDS = {"dataset": "giessen:dataset:rad", "thing": "giessen:thing:s1", "datastream": "giessen:datastream:rad-ein"}
REQUIRED = {
    "filter": "{}",
    "datastreams": '["giessen:datastream:rad-ein"]',
    "during": '{start: "2000-01-01T00:00:00Z", end: "2100-01-01T00:00:00Z"}',
}


def document(name: str) -> str:
    field = QUERY.fields[name]
    arguments = {n: REQUIRED.get(n) for n, argument in field.args.items() if is_required_argument(argument)}
    if "id" in arguments:
        arguments["id"] = f'"{IDS[name]}"'
    written = "(" + ", ".join(f"{n}: {value}" for n, value in arguments.items()) + ")" if arguments else ""
    returned = get_named_type(field.type)
    assert is_object_type(returned)
    selected = "nodes { __typename }" if "nodes" in returned.fields else "__typename"
    if is_result(name):
        selected = f"{lists(returned)[0]} {{ __typename }}"
    return "{ %s%s { %s } }" % (name, written, selected)


def is_result(name: str) -> bool:
    return get_named_type(QUERY.fields[name].type).name.endswith("Result")


def lists(returned) -> list[str]:
    return [name for name, field in returned.fields.items() if str(field.type).endswith("!]!")]


@pytest.fixture
async def store(database_url):
    with psycopg.connect(database_url) as connection:
        connection.execute(SEED)
        connection.execute(ARRIVED)
    async with Sessions(database_url, size=1, statement_ms=5000, name="test") as sessions:
        yield Store(Reader(sessions, "giessen", PageLimits()))


async def arrived(store, granted) -> int:
    field = await tree(document(ROOT))
    scope = scope_of(ALL if granted is None else granted)
    found = (await store.reader.arrivals(field, scope, 0)).found
    return 0 if found is None else (await store.reader.arrived(field, scope, found)).rows


@pytest.mark.parametrize("name", sorted(set(QUERY.fields) - EXEMPT))
async def test_nothing_without_a_grant(store, name):
    if name in IDS:
        assert (await store.one(document(name), ()))[0] is None
        assert (await store.one(document(name)))[0] is not None, "the test must be able to fail"
    elif name == ROOT:
        assert await arrived(store, ()) == 0
        assert await arrived(store, None) > 0, "the test must be able to fail"
    elif is_result(name):
        members, part = await store.part(document(name), ())
        assert ([*members.values()], part.rows, part.datasets) == ([[]], 0, frozenset())
        members, part = await store.part(document(name))
        assert (members.popitem()[1] != [], part.rows > 0) == (True, True), "the test must be able to fail"
    else:
        assert await store.rows(document(name), ()) == []
        assert await store.rows(document(name)) != [], "the test must be able to fail"
