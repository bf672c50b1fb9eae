"""What the benchmark asks of Verbund is valid, also after the schema has changed; every system has its words for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from graphql import build_schema, parse, validate

from tests.bench.read.options import SYSTEMS
from tests.bench.read.queries import QUERIES, big_question

SDL = Path(__file__).parents[3] / "schema" / "schema.graphql"


@pytest.fixture(scope="module")
def schema():
    return build_schema(SDL.read_text(encoding="utf-8"))


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
def test_verbund_understands_the_queries(schema, query):
    assert validate(schema, parse(query.documents["verbund"])) == []


def test_verbund_understands_the_big_question(schema):
    assert validate(schema, parse(big_question(10, 10_000)["query"])) == []


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
def test_every_system_is_asked(query):
    assert {*query.documents, "sql"} == set(SYSTEMS)
    assert query.names_datastream == ("%(id)s" in query.statement)
    assert all(f"%({name})s" in query.statement for name in query.variables)
