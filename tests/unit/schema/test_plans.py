"""A plan gives each request the tree that its document and variables mean, and equal forms to what can share SQL."""

from __future__ import annotations

import pytest
from graphql.execution.values import get_variable_values

from schema.budget import Bounds
from schema.build import build_schema
from schema.documents import Documents
from schema.selection import Collector, Field

SCHEMA = build_schema().graphql
DOCUMENTS = Documents(SCHEMA, Bounds())

DOCUMENT = """
query ($first: Int! = 5, $themes: [String!], $withTitle: Boolean = true, $order: DatasetOrder! = TITLE_ASC, $filter: DatasetFilter) {
  a: datasets(first: $first, filter: {themes: $themes}, orderBy: $order) {
    nodes { id title @include(if: $withTitle) datastreams(first: $first) { nodes { id } } }
  }
  b: datasets(filter: $filter) { nodes { ...Fixed } }
}
fragment Fixed on Dataset { tier datastreams(first: 3) { nodes { name } } }
"""


def roots(document: str = DOCUMENT, /, **variables: object) -> list[Field]:
    checked = DOCUMENTS.check(document)
    assert not checked.errors, checked.errors
    plan = checked.plan(None)
    values = plan.variables(variables)
    assert not isinstance(values, list), values
    return [root.template.fill(Collector(SCHEMA, plan.fragments, values)) for root in plan.roots(values)]


def direct(document: str = DOCUMENT, /, **variables: object) -> list[Field]:
    """The same without a plan: everything resolved for this one request."""
    plan = DOCUMENTS.check(document).plan(None)
    values = get_variable_values(SCHEMA, plan.operation.variable_definitions, variables)
    collector = Collector(SCHEMA, plan.fragments, values)
    groups = collector.roots(SCHEMA.query_type, plan.operation.selection_set.selections)
    return [collector.field(SCHEMA.query_type.fields[nodes[0].name.value], key, nodes) for key, nodes in groups.items()]


VARIABLES = [
    {},
    {"first": 7, "themes": ["TRAN"]},
    {"withTitle": False, "order": "TITLE_DESC"},
    {"filter": {"text": "rad", "ids": ["giessen:dataset:x"]}},
    {"filter": {"temporal": {"start": "2026-01-01T00:00:00Z", "end": "2026-02-01T00:00:00Z"}, "tiers": ["OPEN"]}},
    {"filter": None, "themes": None},
    {"first": 3, "withTitle": False, "order": "MODIFIED_ASC", "themes": []},
]


@pytest.mark.parametrize("variables", VARIABLES)
def test_a_filled_plan_is_the_tree_of_the_request(variables):
    assert roots(**variables) == direct(**variables)
    assert roots(**variables) == direct(**variables), "the second request takes the short way"


def shapes(**variables: object) -> list[object]:
    return [field.shape for field in roots(**variables)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"first": 1}, {"first": 9}),
        ({"themes": ["TRAN"]}, {"themes": ["ENVI", "HEAL"]}),
        ({"filter": {"text": "a"}}, {"filter": {"text": "b"}}),
    ],
)
def test_values_do_not_change_the_form(one, other):
    assert shapes(**one) == shapes(**other)
    assert hash(tuple(shapes(**one))) == hash(tuple(shapes(**other)))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {"themes": ["TRAN"]}),
        ({"order": "TITLE_ASC"}, {"order": "TITLE_DESC"}),
        ({"withTitle": True}, {"withTitle": False}),
        ({"filter": {"text": "a"}}, {"filter": {"themes": ["a"]}}),
        ({"filter": {"tiers": ["OPEN"]}}, {"filter": {"tiers": ["SHARED"]}}),
    ],
)
def test_what_may_change_a_statement_changes_the_form(one, other):
    assert shapes(**one) != shapes(**other)


def test_fields_below_that_need_no_variables_are_shared():
    one, other = roots(first=1), roots(first=2)
    assert one[1].children[0] is other[1].children[0]


def test_two_documents_never_share_a_form():
    assert roots("{ datasets { nodes { id } } }")[0].shape != roots("{ datasets { nodes { tier } } }")[0].shape
