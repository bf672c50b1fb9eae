"""Mutants of a Python module: one small change each, of the kinds that tests should notice. Pure."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr, ast.Mult: ast.Add,
}  # fmt: skip
_CALLS = {"max": "min", "min": "max", "any": "all", "all": "any"}
Change = Callable[[ast.AST], None]


@dataclass(frozen=True, slots=True)
class Mutant:
    """A module's text with one change, and where and what it is. `span`: the lines of the function that it is in."""

    line: int
    what: str
    text: str
    span: range


def mutants(source: str) -> Iterator[Mutant]:
    """All mutants of a module. Annotations, docstrings, messages of errors and logs are left alone."""
    tree = ast.parse(source)
    sites = [site for site in _sites(tree) if not isinstance(site, ast.expr_context)]
    for number, node in enumerate(sites):
        for what, change in _changes(node):
            changed = copy.deepcopy(tree)
            change([site for site in _sites(changed) if not isinstance(site, ast.expr_context)][number])
            line = getattr(node, "lineno", 0)
            yield Mutant(line, what, ast.unparse(ast.fix_missing_locations(changed)), _span(tree, line))


def _span(tree: ast.Module, line: int) -> range:
    """The lines of the innermost function that holds this line; of the line alone if there is none."""
    found = range(line, line + 1)
    for node in ast.walk(tree):  # from the outside in
        if isinstance(node, ast.FunctionDef) and node.lineno <= line <= (node.end_lineno or 0):
            found = range(node.body[0].lineno, (node.end_lineno or 0) + 1)
    return found


def _sites(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that may be changed, in a fixed order."""
    yield node
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "bases", "keywords", "exc") and not isinstance(
            node, ast.Call
        ):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _is_prose(child):
                yield from _sites(child)


def _is_prose(node: ast.AST) -> bool:
    is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    is_raise = isinstance(node, ast.Raise)
    is_strict = isinstance(node, ast.keyword) and node.arg == "strict"  # of zip: asserts what holds
    return is_docstring or is_raise or is_strict or isinstance(node, ast.JoinedStr | ast.Import | ast.ImportFrom)


def _changes(node: ast.AST) -> Iterator[tuple[str, Change]]:
    if isinstance(node, ast.Compare):
        for n, operator in enumerate(node.ops):
            if type(operator) in _COMPARISONS:
                other = _COMPARISONS[type(operator)]
                yield f"{type(operator).__name__} → {other.__name__}", _setting("ops", n, other)
    elif isinstance(node, ast.BoolOp):
        other_bool = ast.Or if isinstance(node.op, ast.And) else ast.And
        yield f"{type(node.op).__name__} → {other_bool.__name__}", _replacing("op", other_bool)
    elif isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in _OPERATORS:
        other_op = _OPERATORS[type(node.op)]
        yield f"{type(node.op).__name__} → {other_op.__name__}", _replacing("op", other_op)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "not → bool", _calling_bool
    elif isinstance(node, ast.If | ast.IfExp | ast.While):
        yield "condition → not", _negating
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield f"{node.value} → {not node.value}", _replacing_value("value", not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        yield f"{node.value} → {node.value + 1}", _replacing_value("value", node.value + 1)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _CALLS:
        yield f"{node.func.id} → {_CALLS[node.func.id]}", _renaming(_CALLS[node.func.id])
    elif isinstance(node, ast.Return) and node.value is not None:
        yield "return → None", _replacing_value("value", ast.Constant(None))


def _setting(name: str, index: int, kind: type[ast.AST]) -> Change:
    return lambda node: getattr(node, name).__setitem__(index, kind())


def _replacing(name: str, kind: type[ast.AST]) -> Change:
    return lambda node: setattr(node, name, kind())


def _replacing_value(name: str, value: object) -> Change:
    return lambda node: setattr(node, name, value)


def _renaming(name: str) -> Change:
    def change(node: ast.AST) -> None:
        assert isinstance(node, ast.Call)
        node.func = ast.Name(name, ast.Load())

    return change


def _negating(node: ast.AST) -> None:
    assert isinstance(node, ast.If | ast.IfExp | ast.While)
    node.test = ast.UnaryOp(ast.Not(), node.test)


def _calling_bool(node: ast.AST) -> None:
    assert isinstance(node, ast.UnaryOp)
    node.op = ast.Not()
    node.operand = ast.UnaryOp(ast.Not(), node.operand)
