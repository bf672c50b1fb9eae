"""Nodes of different schema versions work together: what an older one does not know is null, and told."""

from __future__ import annotations

import aiohttp
import pytest
from aiohttp import web
from graphql import build_schema, execute, parse, print_schema, validate

from schema.build import print_sdl
from tests.federation.liar import answers, page, row

TITLE = "Aaa, vor allen anderen"
DATASET = {"id": "limburg:dataset:a", "city": "limburg", "title": TITLE, "tier": "OPEN", "publisher": {"name": "Amt"}}
TOLD = {"city": "limburg", "state": "OK", "asOf": None, "policyVersion": "v", "obligations": []}
REPORT = "federation { complete cities { city state reason rows } }"


def schema_without(*cuts: tuple[str, str]):
    schema = build_schema(print_sdl())
    for type_name, field in cuts:
        del schema.type_map[type_name].fields[field]
    return schema


def older(schema):
    """A node that answers what this schema knows."""

    async def behaviour(_request: web.Request, question: dict) -> web.Response:
        document = parse(question["query"])
        if errors := validate(schema, document):
            told = [{"message": error.message, "extensions": {"code": "INVALID"}} for error in errors]
            return web.json_response({"errors": told})
        rows = {"sortKeys": [TITLE.lower()], "localKeys": ["a"], "nodes": [DATASET]}
        page = {**rows, "pageInfo": {"hasNextPage": False}, "federation": {"cities": [TOLD]}, "totalCount": 1}
        root = {"datasets": page, "dataset": DATASET}
        result = execute(schema, document, root, variable_values=question["variables"])
        assert not result.errors, result.errors
        return web.json_response({"data": result.data})

    return behaviour


@pytest.fixture
def old_limburg(limburg):
    """Limburg has a schema without these fields."""

    def become(*cuts: tuple[str, str]) -> None:
        schema = schema_without(*cuts)
        limburg.sdl = print_schema(schema)
        schema.directives = tuple(one for one in schema.directives if one.name != "defer")
        limburg.behaviour = older(schema)

    return become


async def ask(federation, selected: str, arguments: str = ""):
    document = '{ datasets(cities: ["limburg", "offenbach"], first: 3%s) { nodes { %s } totalCount %s } }'
    answer = await federation["offenbach"].ask(document % (arguments, selected, REPORT))
    rows = {row["city"]: row for row in answer.data["datasets"]["federation"]["cities"]}
    assert rows["offenbach"]["state"] == "OK"
    return answer.data["datasets"], rows["limburg"]


async def test_an_older_node_gives_what_it_knows(federation, limburg, old_limburg):
    """One test after the other, since a schema that was learnt is remembered."""
    old_limburg(("Dataset", "hvdCategory"))
    found, told = await ask(federation, "id title")
    assert (told["state"], told["rows"], told["reason"]) == ("OK", 1, None), "what both know needs nothing"

    old_limburg(("Dataset", "hvdCategory"), ("Dataset", "legalBasis"))
    found, told = await ask(federation, "id hvdCategory title publisher { name } l: legalBasis")
    assert found["nodes"][0] == {
        "id": "limburg:dataset:a",
        "hvdCategory": None,
        "title": TITLE,
        "publisher": {"name": "Amt"},
        "l": None,
    }
    assert found["nodes"][1]["id"].startswith("offenbach:"), "the others are whole"
    assert found["federation"]["complete"] is False
    assert (told["state"], told["rows"]) == ("PARTIAL", 1)
    assert told["reason"] == (
        "its schema is another version, which has no datasets.nodes.hvdCategory, datasets.nodes.legalBasis"
    )
    asked = limburg.asked
    _, told = await ask(federation, "id hvdCategory")
    assert told["state"] == "PARTIAL"
    assert limburg.asked == asked + 1, "what was learnt is remembered"

    one = await federation["offenbach"].ask('{ dataset(id: "limburg:dataset:a") { hvdCategory title } }')
    assert one.data["dataset"] == {"hvdCategory": None, "title": TITLE}
    answer = await federation["offenbach"].ask(
        '{ datasets(cities: ["limburg"], first: 3, require: ALL) { nodes { hvdCategory } } }'
    )
    assert answer.code == "INCOMPLETE"


async def test_every_node_tells_its_schema(federation):
    url = f"{federation['fulda'].settings.issuer}/schema.graphql"
    async with aiohttp.ClientSession() as session:
        async with session.get(url) as response:
            assert await response.text() == print_sdl()
            tag = response.headers["ETag"]
        async with session.get(url, headers={"If-None-Match": tag}) as again:
            assert (again.status, await again.read()) == (304, b"")


async def test_an_empty_selection_crosses_the_border(federation):
    document = (
        """query ($no: Boolean!) { datasets(cities: ["fulda", "giessen"], first: 4) {
        nodes { id publisher { name @skip(if: $no) } } %s } }"""
        % REPORT
    )
    answer = await federation["offenbach"].ask(document, None, {"no": True})
    page = answer.data["datasets"]
    assert {row["state"] for row in page["federation"]["cities"]} == {"OK"}
    assert [list(node) for node in page["nodes"]] == [["id", "publisher"]] * 4
    assert all(node["publisher"] in ({}, None) for node in page["nodes"])


async def test_a_value_that_only_a_newer_owner_knows_is_null_and_told(federation, limburg):
    limburg.behaviour = answers(page([row("aaa", n0={"id": "limburg:dataset:x", "tier": "ARCHIVED"})], totalCount=1))
    found, told = await ask(federation, "id tier")
    assert {"id": "limburg:dataset:x", "tier": None} in found["nodes"]
    assert (told["state"], told["rows"]) == ("PARTIAL", 1)
    assert told["reason"] == "its schema is newer: values of datasets.nodes.tier are not known here"
