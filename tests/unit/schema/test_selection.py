"""The selection tree resolves GraphQL's syntax as graphql-core's executor would."""

from __future__ import annotations

import pytest

from policy.model import ANONYMOUS
from schema.build import build_schema
from schema.errors import BadInput
from schema.ports import Context, Request
from schema.prepared import Prepared
from schema.selection import Field

SCHEMA = build_schema()


async def tree(document: str, **variables: object) -> Field:
    """The selection tree of the document's first root field."""
    seen: list[Field] = []

    class Spy:
        async def read(self, _request, field):
            seen.append(field)
            return Prepared(b"null")

    result = await SCHEMA.execute(
        document,
        variable_values=variables,
        context_value=Context(Request(ANONYMOUS, document, 0, "", ""), Spy(), directory=None),
    )
    if result.errors:
        raise result.errors[0].original_error or result.errors[0]
    return seen[0]


def shape(field: Field) -> object:
    return {child.key: (child.name, shape(child)) for child in field.children}


async def test_fragments_and_aliases_are_merged():
    field = await tree("""
        query { datasets { nodes { id ...More t: title } ... on DatasetConnection { nodes { tier ...More } } } }
        fragment More on Dataset { publisher { name } ...Deep }
        fragment Deep on Dataset { publisher { homepage } }
    """)
    assert shape(field) == {
        "nodes": (
            "nodes",
            {
                "id": ("id", {}),
                "publisher": ("publisher", {"name": ("name", {}), "homepage": ("homepage", {})}),
                "t": ("title", {}),
                "tier": ("tier", {}),
            },
        )
    }


@pytest.mark.parametrize(
    ("directive", "kept"),
    [
        ("@skip(if: true)", False),
        ("@skip(if: false)", True),
        ("@include(if: true)", True),
        ("@include(if: false)", False),
        ("@include(if: true) @skip(if: true)", False),
        ("@skip(if: $yes)", False),
        ("@include(if: $yes)", True),
    ],
)
@pytest.mark.parametrize("place", ["title %s", "...T %s", "... on Dataset %s { title }", "... %s { title }"])
async def test_skip_and_include(place, directive, kept):
    head = "query ($yes: Boolean = true)" if "$yes" in directive else "query"
    tail = "fragment T on Dataset { title }" if "...T" in place else ""
    field = await tree("%s { datasets { nodes { id %s } } } %s" % (head, place % directive, tail))
    assert ("title" in shape(field)["nodes"][1]) is kept


async def test_arguments_are_json_with_variables_and_defaults():
    field = await tree(
        'query ($t: [Tier!], $w: String) { datasets(filter: {tiers: $t, text: $w, modifiedSince: "2026-01-01T01:00:00+01:00"}) { nodes { id } } }',
        t=["OPEN"],
    )
    assert field.arguments == {
        "filter": {"tiers": ["OPEN"], "modifiedSince": "2026-01-01T00:00:00+00:00"},
        "orderBy": "TITLE_ASC",
        "first": 20,
        "require": "BEST_EFFORT",
    }


async def test_a_key_that_a_column_name_can_not_hold_is_refused():
    alias = "a" * 64
    with pytest.raises(BadInput, match="longer than 63"):
        await tree("{ datasets { nodes { %s: id } } }" % alias)


async def test_times_without_offset_are_refused_with_a_remedy():
    with pytest.raises(Exception, match="has no offset: write ISO 8601"):
        await tree('{ datasets(filter: {modifiedSince: "2026-01-01T00:00:00"}) { nodes { id } } }')


@pytest.mark.parametrize(
    "time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-02-30T00:00:00Z", "", "now"]
)
async def test_times_that_do_not_exist_are_refused_with_a_remedy(time):
    with pytest.raises(Exception, match=r"years 1 to 9999|write ISO 8601"):
        await tree("query ($t: DateTime) { datasets(filter: {modifiedSince: $t}) { nodes { id } } }", t=time)
