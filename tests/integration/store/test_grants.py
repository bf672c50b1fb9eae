"""The grant is part of every statement, at every level."""

from __future__ import annotations

import pytest

from tests.integration.store.conftest import ALL, OPEN


async def test_lists_hold_only_granted_rows(store):
    titles = await store.rows("{ datasets { nodes { title } } }", OPEN)
    assert [row["title"] for row in titles] == ["Luftqualität", "Radverkehr"]
    streams = await store.rows("{ datastreams { nodes { id } } }", OPEN)
    assert {row["id"].split(":")[2] for row in streams} == {"rad-ein", "rad-aus", "luft-1"}
    things = await store.rows("{ things { nodes { id } } }", OPEN)
    assert {row["id"].split(":")[2] for row in things} == {"s1", "s2"}


@pytest.mark.parametrize(
    "document",
    [
        "{ datasets { nodes { title } } }",
        "{ things { nodes { name } } }",
        "{ datastreams { nodes { name } } }",
        '{ observations(filter: {}, during: {start: "2026-01-01T00:00:00Z", end: "2027-01-01T00:00:00Z"}) { nodes { result } } }',
    ],
)
async def test_nothing_is_granted_by_default(store, document):
    assert await store.rows(document, ()) == []


async def test_a_thing_shows_only_granted_datastreams(store):
    document = '{ thing(id: "giessen:thing:s1") { datastreams { nodes { id dataset { title } } } } }'
    seen, _ = await store.one(document, OPEN)
    assert {node["id"].split(":")[2] for node in seen["datastreams"]["nodes"]} == {"rad-ein", "rad-aus"}
    seen, _ = await store.one(document, ALL)
    assert len(seen["datastreams"]["nodes"]) == 3


async def test_no_way_round_leads_to_other_datasets(store):
    document = """{ datastream(id: "giessen:datastream:rad-ein") {
        thing { datastreams { nodes { name dataset { datastreams { nodes { name latest { result } } } } } } } } }"""
    seen, found = await store.one(document, OPEN)
    assert "Kfz" not in str(seen)
    assert "Rad aus" in str(seen)
    assert found.datasets == {"rad", "luft"}, "crossing over a thing is recorded as all that is within reach"


async def test_catalog_without_observations(store):
    seen = await store.rows(
        "{ datastreams { nodes { name latest { result } observations { nodes { result } } } } }", (1,), observable=()
    )
    assert [row["name"] for row in seen] == ["Rad aus", "Rad ein"]
    assert all(row["latest"] is None and row["observations"]["nodes"] == [] for row in seen)


async def test_touched_datasets_are_those_of_the_rows(store):
    page = await store.page('{ datasets(filter: {themes: ["TRAN"]}, first: 1) { nodes { id } } }')
    assert page.datasets == {"kfz"}
    page = await store.page(
        '{ observations(filter: {vehicleClasses: ["CAR"]}, first: 1,'
        ' during: {start: "2026-01-01T00:00:00Z", end: "2027-01-01T00:00:00Z"}) { nodes { result } } }'
    )
    assert page.datasets == {"kfz"}


@pytest.mark.parametrize(
    ("document", "denied"),
    [
        ('{ datasets(filter: {ids: ["giessen:dataset:kfz", "giessen:dataset:rad"]}) { nodes { id } } }', {"kfz"}),
        ('{ datastreams(filter: {datasets: ["giessen:dataset:akten"]}) { nodes { id } } }', {"akten"}),
        ('{ datastreams(filter: {ids: ["giessen:datastream:kfz-ein"]}) { nodes { id } } }', {"kfz"}),
        ('{ things(filter: {ids: ["giessen:thing:s3"]}) { nodes { id } } }', {"akten"}),
        ('{ things(filter: {ids: ["giessen:thing:s1"]}) { nodes { id } } }', set()),
        ('{ datasets(filter: {ids: ["giessen:dataset:rad", "giessen:dataset:none"]}) { nodes { id } } }', set()),
    ],
)
async def test_what_is_named_but_denied_is_known_for_the_record(store, document, denied):
    page = await store.page(document, OPEN)
    assert page.denied == denied


async def test_a_denied_object_is_absent_and_its_dataset_known_for_the_record(store):
    for document, denied in (
        ('{ dataset(id: "giessen:dataset:kfz") { id } }', {"kfz"}),
        ('{ datastream(id: "giessen:datastream:kfz-ring") { id } }', {"kfz"}),
        ('{ thing(id: "giessen:thing:s3") { id } }', {"akten"}),
        ('{ dataset(id: "giessen:dataset:nothing") { id } }', set()),
    ):
        seen, found = await store.one(document, OPEN)
        assert seen is None
        assert found.denied == denied
        assert not found.datasets
