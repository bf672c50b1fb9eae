"""What a plain service makes of a gateway's document: the statement, where its parameters come from, the answer's frame."""

from __future__ import annotations

import pytest
from graphql import GraphQLError, build_schema

from tests.bench.federation.plain_document import NotUnderstood, plan
from tests.bench.federation.plain_service import SDL

SCHEMA = build_schema(SDL.read_text(encoding="utf-8"))
ASKED = "datastream: $d, start: $s, end: $e, first: 7"
VARIABLES = "$d: Int!, $s: DateTime!, $e: DateTime!"
FIVE = {"d": 5, "s": "2026-03-01T00:00:00+00:00", "e": "2026-04-01T00:00:00+00:00"}


def planned(selection: str, root: str = "observations", more: str = ""):
    return plan(SCHEMA, f"query ({VARIABLES}) {{ {root}({ASKED}) {selection} }} {more}")


def test_parameters_come_from_variables_and_literals_in_the_statements_order():
    found = planned("{ result }")
    assert found.bind(FIVE) == [b"5", b"2026-03-01T00:00:00+00:00", b"2026-04-01T00:00:00+00:00", b"7"]


def test_the_answer_has_the_response_key_around_it():
    found = planned("{ result }", root="all: observations")
    assert found.before + b"[]" + found.behind == b'{"data":{"all":[]}}'


def test_fields_are_selected_in_order_under_their_keys():
    assert (
        'select phenomenon_time as "at", result as "result" from' in planned("{ at: phenomenonTime result }").statement
    )


def test_the_type_name_that_gateways_add_is_answered():
    assert """'Observation' as "__typename", quality as "quality" from""" in planned("{ __typename quality }").statement


@pytest.mark.parametrize(
    ("selection", "more"),
    [("{ ... { result } result }", ""), ("{ ...part result }", "fragment part on Observation { result }")],
)
def test_fragments_are_spread_and_a_field_is_given_once(selection, more):
    assert 'select result as "result" from' in planned(selection, more=more).statement


@pytest.mark.parametrize(
    "text",
    [
        "{ __typename }",
        "{ __schema { queryType { name } } }",
        "{ observations { result } }",
        "query A { __typename } query B { __typename }",
        'query { observations(datastream: 1, start: "", end: "", first: 1) { secret } }',
    ],
)
def test_anything_else_is_refused(text):
    with pytest.raises(NotUnderstood):
        plan(SCHEMA, text)


def test_what_is_no_graphql_is_refused():
    with pytest.raises(GraphQLError):
        plan(SCHEMA, "{")
