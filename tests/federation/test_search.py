"""Text, distance and dates order the rows of all cities as they order those of one."""

from __future__ import annotations

import pytest

from tests.federation.cities import NAMES
from tests.federation.test_queries import all_pages

PAGES = """query ($after: String) { %s(first: 7, after: $after, %s) {
    nodes { id } totalCount pageInfo { endCursor hasNextPage } federation { complete } } }"""
WHOLE = "{ %s(first: 100, %s) { edges { cursor node { id } } totalCount } }"
NEAR = "filter: {near: {longitude: 8.7, latitude: 50.5, radiusMetres: 1000000}}"
CASES = [
    ("datasets", 'orderBy: RELEVANCE, filter: {text: "radverkehr or liste"}'),
    ("datasets", 'orderBy: RELEVANCE, filter: {textPrefix: "radv"}'),
    ("datasets", "orderBy: ISSUED_DESC"),
    ("datasets", "orderBy: MODIFIED_DESC"),
    ("things", f"orderBy: DISTANCE, {NEAR}"),
    ("datastreams", f"orderBy: DISTANCE, {NEAR}"),
    ("datastreams", "orderBy: PHENOMENON_END_DESC"),
    ("datastreams", 'orderBy: RELEVANCE, filter: {text: "rad"}'),
]


@pytest.mark.parametrize(("field", "arguments"), CASES)
async def test_new_orders_are_merged_and_paged(federation, field, arguments):
    answers = [(await federation[entry].ask(WHOLE % (field, arguments))).data[field] for entry in sorted(NAMES)]
    assert all(answer == answers[0] for answer in answers), "any entry node gives the same"
    whole = [edge["node"] for edge in answers[0]["edges"]]
    assert len(whole) == answers[0]["totalCount"] >= 4
    assert await all_pages(federation["fulda"], PAGES % (field, arguments)) == whole


async def test_a_text_without_hits_is_answered_with_what_was_meant(federation):
    document = '{ datasets(filter: {text: "Radverkher"}) { nodes { id } suggestions totalCount } }'
    page = (await federation["giessen"].ask(document)).data["datasets"]
    assert page == {"nodes": [], "suggestions": ["Radverkehr"], "totalCount": 0}
