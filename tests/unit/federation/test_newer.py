"""Values of enums that a newer owner has: null and told, never anything else."""

from __future__ import annotations

import msgspec
import orjson
import pytest

from federation.errors import PeerIncompatible
from federation.newer import without_unknown_values
from federation.plan import plan_page
from federation.shape import Shapes
from tests.unit.schema.test_selection import SCHEMA, tree

OURS = SCHEMA.graphql
DATASETS = "{ datasets { nodes { id t: tier title } } }"


def raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(orjson.dumps(value))


def answer(*tiers: object, title: object = "Rad") -> dict:
    nodes = [{"id": f"fulda:dataset:{n}", "t": tier, "title": title} for n, tier in enumerate(tiers)]
    marks = {"s": ["a"] * len(tiers), "k": [str(n) for n in range(len(tiers))]}
    report = {"city": "fulda", "state": "OK", "asOf": None, "policyVersion": "v", "obligations": []}
    return {**marks, "n0": nodes, "pageInfo": {"hasNextPage": False}, "federation": {"cities": [report]}}


async def asked(document: str = DATASETS):
    return plan_page(await tree(document)).owner_field("fulda", None)


async def test_what_is_not_known_is_null_and_the_rest_stays():
    question = await asked()
    found, reason = without_unknown_values(OURS, question, raw(answer("OPEN", "SECRET", "CLASSIFIED", title="SECRET")))
    assert orjson.loads(bytes(found)) == answer("OPEN", None, None, title="SECRET")
    assert reason == "its schema is newer: values of datasets.nodes.tier are not known here"
    Shapes(OURS).check("fulda", "q", question, found)


@pytest.mark.parametrize("odd", ["open", "<b>", "A" * 65, "", 5, ["OPEN"], {"a": "OPEN"}, "OPEN\n"])
async def test_only_what_could_be_the_name_of_a_value_is_one(odd):
    question = await asked()
    found, reason = without_unknown_values(OURS, question, raw(answer(odd)))
    assert reason is None
    with pytest.raises(PeerIncompatible):
        Shapes(OURS).check("fulda", "q", question, found)


async def test_in_columns_as_well():
    during = 'during: {start: "2026-01-01T00:00:00Z", end: "2026-01-02T00:00:00Z"}'
    question = await tree('{ series(datastreams: ["fulda:datastream:a"], %s) { series { qualities } } }' % during)
    found, reason = without_unknown_values(OURS, question, raw({"series": [{"qualities": ["RAW", "GUESSED", None]}]}))
    assert orjson.loads(bytes(found)) == {"series": [{"qualities": ["RAW", None, None]}]}
    assert reason == "its schema is newer: values of series.series.qualities are not known here"


@pytest.mark.parametrize("noise", [b"", b"[", b"{", b"null", b'"x"', b'{"n0": 5}', b"[" * 100_000])
async def test_whatever_else_comes_stays_as_it_is(noise):
    found, reason = without_unknown_values(OURS, await asked(), msgspec.Raw(noise))
    assert (bytes(found), reason) == (noise, None)
