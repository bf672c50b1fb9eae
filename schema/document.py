"""Print a selection tree as the document that is sent to an owner.

Every argument becomes a variable, so that the text depends on the shape of the question alone and the owner finds it
among the documents it has checked before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from schema.selection import Field


@dataclass(slots=True)
class Document:
    """A query with its variables."""

    text: str
    variables: dict[str, Any]


@dataclass(slots=True)
class _Printer:
    variables: dict[str, Any] = field(default_factory=dict)
    declarations: list[str] = field(default_factory=list)

    def field(self, node: Field) -> str:
        alias = "" if node.key == node.name else f"{node.key}: "
        arguments = self.arguments(node)
        children = f" {{ {' '.join(map(self.field, node.children))} }}" if node.children else ""
        return f"{alias}{node.name}{arguments}{children}"

    def arguments(self, node: Field) -> str:
        parts = []
        for name, value in node.arguments.items():
            variable = f"v{len(self.variables)}"
            self.variables[variable] = value
            self.declarations.append(f"${variable}: {node.argument_types[name]}")
            parts.append(f"{name}: ${variable}")
        return f"({', '.join(parts)})" if parts else ""


def variables_of(root: Field) -> dict[str, Any]:
    """The variables of a document of this root field, whose text is known."""
    values: list[Any] = []
    waiting = [root]
    while waiting:
        node = waiting.pop()
        values += node.arguments.values()
        waiting += reversed(node.children)
    return {f"v{number}": value for number, value in enumerate(values)}


def print_document(roots: Sequence[Field]) -> Document:
    """The query `{ root … }` for these root fields."""
    printer = _Printer()
    body = " ".join(map(printer.field, roots))
    head = f"query ({', '.join(printer.declarations)})" if printer.declarations else "query"
    return Document(f"{head} {{ {body} }}", printer.variables)
