"""The compiled road and a plain implementation give the same answers to whatever can be asked."""

from __future__ import annotations

import orjson
import psycopg
import pytest
from graphql import parse, print_ast
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from node.store.pool import make_pool
from node.store.reading_role import ENTER
from node.store.sessions import Sessions
from policy.model import Caller
from tests.oracle.comparison import Answer, differences, normal
from tests.oracle.database import Database
from tests.oracle.documents import Case, cases, other_variables
from tests.oracle.plain import PlainNode
from tests.oracle.question import Question
from tests.oracle.real import RealNode
from tests.oracle.world import World
from tests.oracle.worlds import CALLERS, worlds

PLAIN = PlainNode()
ROUNDS = 2 if settings.get_current_profile_name() == "default" else 1


@pytest.fixture
async def nodes(database_url):
    """The real node, and the database that holds its world."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        async with (
            make_pool(database_url, size=2, statement_ms=10_000) as pool,
            Sessions(database_url, size=4, statement_ms=10_000, name="oracle-read", on_open=[ENTER]) as reading,
            Sessions(database_url, size=1, statement_ms=10_000, name="oracle-log") as logging,
        ):
            yield RealNode(pool, reading, logging), Database(connection)


@settings(
    max_examples=ROUNDS * settings().max_examples,
    deadline=None,
    report_multiple_bugs=False,
    phases=set(settings().phases) - {Phase.explain},
    derandomize=settings.get_current_profile_name() == "default",
    suppress_health_check=list(HealthCheck),
)
@given(world=worlds(), caller=CALLERS, data=st.data())
async def test_both_implementations_agree(nodes, world: World, caller: Caller, data):
    real, database = nodes
    case = data.draw(cases(PLAIN.schema, world))
    database.hold(world)
    cursors = await agree(real, world, case, caller)
    for name in case.cursors:
        if cursors.get(name):
            case.variables[name] = data.draw(st.sampled_from(cursors[name]), label=f"cursor for ${name}")
            await agree(real, world, case, caller)
            case.variables[name] = None
    if case.declared:
        case.variables = data.draw(other_variables(case, world), label="other variables")
        await agree(real, world, case, caller)


async def agree(real: RealNode, world: World, case: Case, caller: Caller) -> dict[str, list[str]]:
    """Both answer alike, or it is told how they differ; the cursors that were seen, by variable."""
    question = Question(case.document, case.variables, case.operation_name, caller)
    expected, cursors = await PLAIN.answer(question, world)
    got = await real.answer(question, world)
    difference = differences(expected, got)
    assert difference is None, explained(difference, question, world, expected, got)
    return cursors


def explained(difference: str, question: Question, world: World, expected: Answer, got: Answer) -> str:
    """Everything that is needed to see the difference again."""
    variables = orjson.dumps(question.variables, option=orjson.OPT_INDENT_2).decode()
    parts = {
        difference: "",
        "document": print_ast(parse(question.document)),
        "variables": variables,
        "operation": question.operation_name,
        "caller": question.caller,
        "world": world,
        "plain answer": _shown(expected),
        "real answer": _shown(got),
    }
    return "\n".join(f"--- {name}\n{text}" for name, text in parts.items())


def _shown(answer: Answer) -> str:
    data = orjson.dumps(normal(answer.data), option=orjson.OPT_INDENT_2).decode()
    return f"{data}\nerrors: {answer.errors} {answer.messages}"
