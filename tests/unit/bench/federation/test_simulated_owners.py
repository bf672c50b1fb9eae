"""Simulated owners answer whatever a home node asks for, rows of all owners between each other; the curve's figures."""

from __future__ import annotations

from datetime import datetime

import orjson
import pytest
from graphql import parse, validate

from federation.plan import plan_page
from schema.document import print_document
from schema.selection import Field
from tests.bench.federation.curve import DOCUMENT, QUERY
from tests.bench.federation.curve_report import Point, as_json, as_text
from tests.bench.federation.options import OWNERS
from tests.bench.federation.options import parse as parse_options
from tests.bench.federation.simulated_answers import NAMES, ROWS, answer, owners_schema
from tests.bench.federation.simulated_owners import SDL, SimulatedOwners
from tests.bench.federation.targets import curve_verdicts

SCHEMA = owners_schema(SDL.read_text(encoding="utf-8"))
PAGE = 'query ($first: Int!) { observations(filter: {}, during: {start: "x", end: "y"}, first: $first) { %s } }'
LISTS = "s: sortKeys k: localKeys n0: nodes { phenomenonTime result } pageInfo { hasNextPage }"


def page(number: int, first: int, selection: str = LISTS):
    told = orjson.loads(answer(SCHEMA, number, PAGE % selection, {"first": first}))
    assert "errors" not in told, told
    return told["data"]["observations"]


def test_what_is_asked_at_the_home_node_is_valid():
    assert validate(SCHEMA, parse(DOCUMENT)) == []
    assert QUERY.variables["first"] == ROWS


@pytest.mark.parametrize(
    ("first", "rows", "more"), [(0, 0, True), (7, 7, True), (ROWS, ROWS, False), (900, ROWS, False)]
)
def test_an_owner_gives_as_many_as_it_has(first, rows, more):
    found = page(3, first)
    assert [len(found["s"]), len(found["n0"]), found["pageInfo"]["hasNextPage"]] == [rows, rows, more]


def test_rows_of_all_owners_lie_between_each_other():
    nodes = [node for number in (0, 1, 399) for node in page(number, ROWS)["n0"]]
    newest_first = sorted(nodes, key=lambda node: node["phenomenonTime"], reverse=True)
    assert [node["result"] for node in newest_first[:6]] == [0.0, 1.0, 399.0, 1.0, 2.0, 400.0]


def test_sort_keys_tell_the_time():
    found = page(17, 1)
    assert datetime.fromisoformat(found["s"][0]) == datetime.fromisoformat(found["n0"][0]["phenomenonTime"])
    assert found["k"][0]


def test_a_home_nodes_question_is_answered_in_its_form():
    result = Field("result", "result", "Float", {}, {}, ())
    nodes = Field("nodes", "nodes", "Observation", {}, {}, (result,))
    arguments = {"filter": {}, "during": {"start": "x", "end": "y"}, "orderBy": "TIME_DESC", "first": 5}
    types = {"filter": "ObservationFilter!", "during": "TimeInterval!", "orderBy": "TimeOrder!", "first": "Int!"}
    types |= {"cities": "[ID!]", "after": "String", "require": "Completeness!"}
    root = Field("observations", "observations", "ObservationConnection", arguments, types, (nodes,))
    plan = plan_page(root)
    document = print_document([plan.owner_field(NAMES[2], None)])
    told = orjson.loads(answer(SCHEMA, 2, document.text, document.variables))["data"]["r"]
    members = {name: orjson.dumps(value) for name, value in told.items()}
    (nodes_json,) = plan.read_page(NAMES[2], None, members).parts
    assert list(map(bytes, nodes_json)) == [b'{"result":%d.0}' % value for value in range(2, 7)]


def test_answers_are_counted_and_remembered():
    owners = SimulatedOwners(None, [8001, 8002])
    body = orjson.dumps({"query": PAGE % "nodes { result }", "variables": {"first": 1}})
    told = [owners._tell(port, "/graphql", body) for port in (8001, 8002, 8001)]
    assert told[0] is told[2]
    assert orjson.loads(told[1])["data"]["observations"]["nodes"] == [{"result": 1.0}]
    assert orjson.loads(owners._tell(8001, "/counts", b"")) == {
        "requests": 3, "asked_bytes": 3 * len(body), "answer_bytes": sum(map(len, told)),
    }  # fmt: skip


def point(owners: int, cpu_ms: float = 100.0, requests: float | None = None, cursor: int = 90) -> Point:
    return Point(owners, 1.0, 2.0, cpu_ms, 200.0, owners if requests is None else requests, 1.0, 2.0, cursor)


def test_the_bounds_are_those_of_400_owners():
    assert [one.is_reached for one in curve_verdicts([point(4), point(400, 150.0, 440)])] == [True, True, True]
    missed = curve_verdicts([point(4), point(400, 151.0, 441, 91)])
    assert [one.is_reached for one in missed] == [False, False, False]
    assert curve_verdicts([point(4, 999.0)]) == curve_verdicts([]) == []


def test_each_number_of_owners_has_a_line_and_a_member():
    assert len(as_text([point(4), point(16)]).splitlines()) == 4
    assert orjson.loads(as_json([point(4)]))["4"]["requests"] == 4.0


def test_owners_are_chosen_on_the_command_line(capsys):
    assert parse_options([]).owners == OWNERS
    assert parse_options(["--owners", "none"]).owners == ()
    assert parse_options(["--owners", "16,4"]).owners == (4, 16)
    with pytest.raises(SystemExit):
        parse_options(["--owners", "401"])
    assert "from 1 to 400" in capsys.readouterr().err
