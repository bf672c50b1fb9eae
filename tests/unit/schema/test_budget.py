"""The measure of a document is that of its expansion, and is taken without expanding it."""

from __future__ import annotations

import pytest
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    parse,
)
from hypothesis import given
from hypothesis import strategies as st

from schema.budget import Bounds, check_document, parse_document
from schema.build import build_schema
from schema.documents import Documents
from schema.measure import NESTING, Measure, Size
from tests.unit.schema.test_documents import bomb
from tests.work import calls

FEW = Bounds(100, 3, 2, 5, 3, 2, 1, 2, 3)


def measure_of(text: str) -> tuple[Size, int]:
    document = parse(text)
    fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    operation = next(d for d in document.definitions if isinstance(d, OperationDefinitionNode))
    measure = Measure(fragments)
    return measure.definition(operation), measure.visited


def expanded(text: str) -> Size:
    """The same by really spreading every fragment."""
    document = parse(text)
    fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    operation = next(d for d in document.definitions if isinstance(d, OperationDefinitionNode))

    def fields(node, spread):
        """(node, level, number of selection sets around it) of everything below, fragments included."""
        for selection in node.selections:
            yield selection, 1, spread
            if isinstance(selection, FieldNode):
                below, step = selection.selection_set, 1
            elif isinstance(selection, InlineFragmentNode):
                below, step = selection.selection_set, 0
            else:
                below, step = fragments[selection.name.value].selection_set, 0
            if below is not None:
                yield from ((inner, level + step, deep) for inner, level, deep in fields(below, spread + 1))

    everything = list(fields(operation.selection_set, 1))
    only = [(node, level) for node, level, _ in everything if isinstance(node, FieldNode)]
    spread = [node for node, _, _ in everything if isinstance(node, FragmentSpreadNode)]
    return Size(
        depth=max((level for _, level in only), default=0),
        aliases=sum(node.alias is not None for node, _ in only),
        directives=len(operation.directives or ())
        + sum(len(node.directives or ()) for node, _, _ in everything)
        + sum(len(fragments[node.name.value].directives or ()) for node in spread),
        selections=len(only),
        fields=sum(level == 1 for _, level in only),
        nesting=max(deep for _, _, deep in everything),
    )


directive = st.sampled_from(["", "", " @skip(if: true)", " @a @b"])


@st.composite
def selection_sets(draw: st.DrawFn, spreadable: list[str], depth: int = 2) -> str:
    parts = []
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(["leaf", "object", "inline", "spread"]))
        if kind == "spread" and spreadable:
            parts.append(f"...{draw(st.sampled_from(spreadable))}{draw(directive)}")
            continue
        name = draw(st.sampled_from(["a", "b", "x: a", "y: b"])) + draw(directive)
        if kind in {"object", "inline"} and depth:
            below = draw(selection_sets(spreadable, depth - 1))
            parts.append(f"{name if kind == 'object' else '... on T' + draw(directive)} {below}")
        else:
            parts.append(name)
    return "{ " + " ".join(parts) + " }"


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Fragments spread only those after them, so there is no cycle."""
    names = [f"f{number}" for number in range(draw(st.integers(0, 4)))]
    fragments = [
        f"fragment {name} on T{draw(directive)} {draw(selection_sets(names[number + 1 :]))}"
        for number, name in enumerate(names)
    ]
    return f"query q{draw(directive)} {draw(selection_sets(names))} {' '.join(fragments)}"


@given(documents())
def test_agrees_with_the_expansion(text):
    assert measure_of(text)[0] == expanded(text)


@given(documents())
def test_looks_at_every_selection_once(text):
    written = 0

    def count(node):
        nonlocal written
        for selection in node.selections:
            written += 1
            if getattr(selection, "selection_set", None) is not None:
                count(selection.selection_set)

    for definition in parse(text).definitions:
        count(definition.selection_set)
    assert measure_of(text)[1] <= written


@pytest.mark.parametrize("depth", [10, 20, 40])
def test_a_bomb_is_counted_in_linear_time(depth):
    size, visited = measure_of(bomb(depth))
    assert visited == 2 * depth + 4
    assert size.selections == min(10**9, 2**depth * 2 + 1)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{ a b c d }", "the document has 4 root fields; the limit is 3"),
        ("{ a { b { c { d } } } }", "the document has 4 depth; the limit is 3"),
        ("{ x: a { y: a z: a } }", "the document has 3 aliases; the limit is 2"),
        ("{ a { b c d e f } }", "the document has 6 selections; the limit is 5"),
        ("{ a { ...f } } fragment f on T { b c d e f }", "the document has 6 selections; the limit is 5"),
        ("query @a @b { a }", "the document has 2 directives; the limit is 1"),
        ("query ($v: ID @a) { a @b }", "the document has 2 directives; the limit is 1"),
        ("{ a { ...f ...f } } fragment f on T { b @a }", "the document has 2 directives; the limit is 1"),
        ("query a { a } query b { a } query c { a }", "the document has 3 operations; the limit is 2"),
        (
            "{ a } " + " ".join(f"fragment f{number} on T {{ a }}" for number in range(4)),
            "the document has 4 fragments; the limit is 3",
        ),
        ("{ a a a }", "'a' is asked for more than 2 times in one place; the limit is 2"),
        ("{ a } fragment f on T { b c d e f g }", "the document has 6 selections; the limit is 5"),
        ("{ a } fragment f on T { b b b }", "'b' is asked for more than 2 times in one place; the limit is 2"),
        (
            "{ ...f } fragment f on T { b b b b b b } fragment f on T { a }",
            "the document has 6 selections; the limit is 5",
        ),
    ],
)
def test_each_bound_tells_value_limit_and_remedy(text, told):
    excess = check_document(parse(text), FEW)
    assert excess is not None
    assert excess.message == told
    assert excess.extensions["code"] == "TOO_COSTLY"
    assert excess.extensions["hint"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{ " + "a " * 200 + "}", "the document has more than 100 tokens; the limit is 100"),
        ("{" + "#\n" * 200 + "a }", "the document has more than 100 tokens; the limit is 100"),
        ("{ a(b: " + "[" * 30_000, "the document has far too much depth; the limit is 3"),
    ],
)
def test_what_the_parser_refuses_is_told_in_the_same_way(text, told):
    bounds = FEW if "tokens" in told else Bounds(depth=3, tokens=10**6)
    with pytest.raises(GraphQLError) as refused:
        parse_document(text, bounds)
    assert refused.value.message == told
    assert refused.value.extensions["code"] == "TOO_COSTLY"
    assert refused.value.extensions["hint"]


def test_what_does_not_parse_is_a_syntax_error():
    with pytest.raises(GraphQLError, match="Syntax Error: Expected Name"):
        parse_document("{", FEW)


def test_fragments_nested_too_deeply_for_what_comes_after_are_refused():
    chain = "".join(f" fragment f{i} on Query {{ ...f{i + 1} }}" for i in range(90)) + " fragment f90 on Query { a }"
    excess = check_document(parse("{ ...f0 }" + chain), Bounds())
    assert excess is not None
    assert excess.message == f"the document has more than {NESTING} nested fragments; the limit is {NESTING}"
    inline = "... { " * (NESTING - 1) + "a" + " }" * (NESTING - 1)
    assert check_document(parse("{ %s }" % inline), Bounds()) is None


MANY = Bounds().fragments
HOSTILE = {
    "operations": " ".join(f"query q{i} {{ cities {{ id }} }}" for i in range(240)),
    "operations that share a chain": " ".join(f"query q{i} {{ ...f0 }}" for i in range(180))
    + " ".join(f" fragment f{i} on Query {{ ...f{i + 1} }}" for i in range(90))
    + " fragment f90 on Query { cities { id } }",
    "a bomb without a field": "{ ...f0 }"
    + "".join(f" fragment f{i} on Query {{ ...f{i + 1} ...f{i + 1} }}" for i in range(MANY)),
    "a ring of fragments": "{ ...f0 }"
    + "".join(f" fragment f{i} on Query {{ ...f{(i + 1) % MANY} ...f{(i + 2) % MANY} }}" for i in range(MANY)),
    "fragments that nobody spreads": "{ cities { id } } fragment f on Query { %s }" % ("cities { id } " * 380),
    "pairs of fragments": "{ datasets { nodes { %s } } }" % " ".join(f"...g{i}" for i in range(MANY))
    + "".join(f" fragment g{i} on Dataset {{ x{i} }}" for i in range(MANY)),
    "pairs of empty fragments": "{ datasets { nodes { %s } } }" % " ".join(f"...g{i}" for i in range(MANY))
    + "".join(f" fragment g{i} on Dataset {{ }}" for i in range(MANY)),
    "directives": "{ cities { id%s } }" % (" @x" * 900),
    "unknown fields": "{ datasets { nodes { %s } } }" % " ".join(f"x{i}" for i in range(900)),
    "unknown arguments": "{ dataset(%s) { id } }" % " ".join(f"a{i}: 1" for i in range(450)),
    "the same argument": "{ dataset(%s) { id } }" % ("id: 1 " * 600),
    "variables": "query q(%s) { cities { id } }" % " ".join(f"$v{i}: ID" for i in range(450)),
    "a nested value": "{ observations(filter: {}, during: {start: %s1%s, end: 2}) { nodes { result } } }"
    % ("{a: " * 90, "}" * 90),
    "a long number": "{ datasets(first: %s) { nodes { id } } }" % ("9" * 100_000),
}


MUCH = 600_000  # calls; the worst of these takes 355,000, a plain question 7,000


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_document_takes_much_work_to_be_checked(text):
    documents = Documents(build_schema().graphql, Bounds())
    made = calls(lambda: documents.check(text))
    assert made < MUCH, f"{made} calls; without the bounds some take millions"
