"""The executor joins the gate's answers as GraphQL's null and error rules have it, by both of its roads."""

from __future__ import annotations

import asyncio

import orjson
import pytest

from policy.model import ANONYMOUS
from schema.build import build_schema
from schema.cost import CostLimits
from schema.errors import NotFound, RequestError
from schema.execution import Executor
from schema.ports import Context, Request
from schema.prepared import Prepared

EXECUTOR = Executor(build_schema(), CostLimits())


class Gate:
    """Answers by response key: JSON, or an exception to be raised."""

    def __init__(self, answers: dict[str, object]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    async def read(self, _request, field):
        self.asked.append(field.key)
        await asyncio.sleep(0)
        answer = self.answers[field.key]
        if isinstance(answer, Exception):
            raise answer
        return Prepared(orjson.dumps(answer))


class Directory:
    def cities(self):
        return []


async def execute(document: str, answers: dict[str, object], name: str | None = None, /, **variables: object):
    gate = Gate(answers)
    request = Request(ANONYMOUS, document, 0, "", "")
    result = await EXECUTOR.execute(document, variables, name, Context(request, gate, Directory()))
    return result, gate


ONE = '%s: dataset(id: "giessen:dataset:%s") { id }'
LIST = "%s: datasets { nodes { id } }"


@pytest.mark.parametrize("local", ["", "cities { id }"], ids=["from the gate", "through Strawberry"])
class TestBothRoads:
    async def test_keys_keep_their_order(self, local):
        document = "{ %s %s t: __typename %s }" % (ONE % ("b", "x"), ONE % ("a", "x"), local)
        result, _ = await execute(document, {"a": {"id": 1}, "b": {"id": 2}})
        assert not result.errors
        assert orjson.loads(result.data) == {"b": {"id": 2}, "a": {"id": 1}, "t": "Query"} | (
            {"cities": []} if local else {}
        )

    async def test_a_nullable_field_that_fails_is_null_and_the_others_stay(self, local):
        document = "{ %s %s %s }" % (ONE % ("a", "x"), ONE % ("b", "y"), local)
        result, _ = await execute(document, {"a": NotFound("no"), "b": {"id": 2}})
        data = orjson.loads(result.data)
        assert (data["a"], data["b"]) == (None, {"id": 2})
        (error,) = result.errors
        assert error.path == ["a"]
        assert isinstance(error.original_error, NotFound)
        assert error.locations[0].line == 1

    async def test_a_field_that_is_never_null_takes_the_whole_answer_along(self, local):
        document = "{ %s %s %s }" % (ONE % ("a", "x"), LIST % "b", local)
        result, _ = await execute(document, {"a": {"id": 1}, "b": RequestError("no")})
        assert orjson.loads(result.data) is None
        assert [error.path for error in result.errors] == [["b"]]

    async def test_too_costly_is_told_before_anything_is_asked(self, local):
        document = "{ a: datasets(first: 1000) { nodes { datastreams(first: 1000) { nodes { id } } } } %s }" % local
        result, gate = await execute(document, {})
        assert result.data is None
        assert "limit" in result.errors[0].message
        assert gate.asked == []

    async def test_the_cost_is_told(self, local):
        result, _ = await execute("{ %s %s }" % (ONE % ("a", "x"), local), {"a": {}})
        assert result.cost["requested"] > 0
        assert result.cost["limit"] == CostLimits().cost

    async def test_which_operation_is_meant_must_be_clear(self, local):
        document = "query A { %s %s } query B { %s %s }" % (ONE % ("a", "x"), local, ONE % ("b", "x"), local)
        result, gate = await execute(document, {"b": {"id": 1}}, "B")
        assert orjson.loads(result.data)["b"] == {"id": 1}
        assert gate.asked == ["b"]
        for name in (None, "C"):
            result, _ = await execute(document, {}, name)
            assert result.data is None
            assert result.errors[0].extensions["code"] == "BAD_REQUEST"

    async def test_wrong_variables_are_a_request_error(self, local):
        result, _ = await execute("query ($n: Int!) { datasets(first: $n) { nodes { id } } %s }" % local, {}, n="x")
        assert result.data is None
        assert "$n" in result.errors[0].message

    @pytest.mark.parametrize(
        ("document", "variables", "told"),
        [
            ("{ datasets { nodes { %s: title } } %%s }" % ("a" * 64), {}, "alias"),
            ("query ($x: Boolean = true) { datasets { nodes { id @include(if: $x) } } %s }", {"x": None}, "$x"),
            ("query ($x: Boolean = true) { datasets @skip(if: $x) { nodes { id } } %s }", {"x": None}, "$x"),
            (
                "{ datasets(filter: {bbox: {west: 1e400, south: 1, east: 2, north: 3}}) { nodes { id } } %s }",
                {},
                "number",
            ),
            ("query ($n: Int = 1) { datasets(first: $n) { nodes { id } } %s }", {"n": None}, "$n"),
        ],
    )
    async def test_what_only_a_request_shows_to_be_wrong_is_an_error_of_the_request(
        self, local, document, variables, told
    ):
        result, gate = await execute(document % local, {}, **variables)
        assert result.data is None
        assert told in result.errors[0].message
        assert gate.asked == []


async def test_wrong_variables_are_told_up_to_a_bound():
    document = "query ($ids: [ID!]) { datasets(filter: {ids: $ids}) { nodes { id } } }"
    result, _ = await execute(document, {}, ids=[{}] * 1_000)
    assert len(result.errors) <= 11


async def test_nothing_is_kept_of_a_document_that_is_too_long_to_be_remembered():
    """It would never be found again, and each request would keep a whole document."""
    executor = Executor(build_schema(), CostLimits())
    shapes = []

    class Watching(Gate):
        async def read(self, request, field):
            shapes.append(field.shape)
            return await super().read(request, field)

    for padding in (5_000, 0):
        document = "query ($n: Int) { a: datasets(first: $n) { nodes { id } } }" + " " * padding
        context = Context(Request(ANONYMOUS, document, 0, "", ""), Watching({"a": {}}), Directory())
        result = await executor.execute(document, {"n": 1}, None, context)
        assert not result.errors
        assert bool(executor._remembered) is (padding == 0)
    assert [shape is None for shape in shapes] == [True, False]


async def test_root_fields_run_side_by_side():
    running = 0
    most = 0

    class Slow(Gate):
        async def read(self, request, field):
            nonlocal running, most
            running += 1
            most = max(most, running)
            await asyncio.sleep(0.01)
            running -= 1
            return Prepared(b"{}")

    document = "{ %s %s }" % (ONE % ("a", "x"), ONE % ("b", "y"))
    await EXECUTOR.execute(document, {}, None, Context(Request(ANONYMOUS, document, 0, "", ""), Slow({}), Directory()))
    assert most == 2


async def test_skipped_fields_are_not_asked():
    document = "query ($no: Boolean!) { a: datasets @include(if: $no) { nodes { id } } t: __typename }"
    result, gate = await execute(document, {}, no=False)
    assert orjson.loads(result.data) == {"t": "Query"}
    assert gate.asked == []


async def test_what_nobody_expected_is_logged_and_not_told(caplog):
    result, _ = await execute("{ %s }" % ONE % ("a", "x"), {"a": ZeroDivisionError("secret")})
    assert orjson.loads(result.data) == {"a": None}
    assert "a resolver failed" in caplog.text
