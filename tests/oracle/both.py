"""Ask both implementations the same, and tell how their answers differ."""

from __future__ import annotations

import orjson
from graphql import parse, print_ast

from policy.model import Caller
from tests.oracle.comparison import Answer, differences, normal
from tests.oracle.database import Database
from tests.oracle.documents import Case
from tests.oracle.plain import PlainNode
from tests.oracle.question import Question
from tests.oracle.real import RealNode
from tests.oracle.world import World

PLAIN = PlainNode()


class Both:
    """The plain node and the real one, whose database holds the same world."""

    def __init__(self, real: RealNode, database: Database) -> None:
        self._real = real
        self._database = database

    async def agree(self, world: World, case: Case, caller: Caller) -> dict[str, list[str]]:
        """Fails if they do not answer alike. The cursors that were seen, by variable."""
        self._database.hold(world)
        question = Question(case.document, case.variables, case.operation_name, caller)
        expected, cursors = await PLAIN.answer(question, world)
        got = await self._real.answer(question, world)
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
