"""The committed schema is the one that the code serves, and it documents itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLObjectType, build_schema

from schema.build import print_sdl

FILE = Path(__file__).parents[2] / "schema" / "schema.graphql"
SCHEMA = build_schema(FILE.read_text(encoding="utf-8"))
OURS = [kind for name, kind in SCHEMA.type_map.items() if not name.startswith("__")]


def test_the_committed_schema_is_current():
    assert FILE.read_text(encoding="utf-8") == print_sdl(), (
        "the API has changed: look at the difference, then `make sdl`"
    )


@pytest.mark.parametrize("name", sorted(SCHEMA.query_type.fields))
def test_every_root_field_tells_who_may_ask(name):
    assert "Access: " in SCHEMA.query_type.fields[name].description


def test_every_type_is_described():
    kinds = [kind for kind in OURS if isinstance(kind, GraphQLObjectType | GraphQLInputObjectType | GraphQLEnumType)]
    assert [kind.name for kind in kinds if not kind.description] == []


def test_times_name_their_zone():
    for kind in OURS:
        if isinstance(kind, GraphQLObjectType) and kind.name in {"Observation", "AccessRecord", "CityReport", "Node"}:
            for name, field in kind.fields.items():
                if str(field.type).startswith("DateTime"):
                    assert "UTC" in (field.description or ""), f"{kind.name}.{name}"


def test_every_list_that_spans_cities_has_a_report():
    for name, field in SCHEMA.query_type.fields.items():
        if "cities" in field.args:
            connection = SCHEMA.type_map[str(field.type).strip("!")]
            assert "federation" in connection.fields, name
            paged = {"first", "after"} if "pageInfo" in connection.fields else set()
            assert {"require"} | paged <= set(field.args), name
