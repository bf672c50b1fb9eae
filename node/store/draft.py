"""A statement in the making: what all who write on it share.

A statement serves every request of the same form: the grant and the values of arguments are parameters. Grants are part
of the statement, at every level, never a filter afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from node.store.arguments import Builder
from node.store.limits import PageLimits
from node.store.parameters import ID_ARRAY, Names, Parameters, Path
from schema.selection import Field

EPOCH = "(select epoch from policy_epoch)"


@dataclass(slots=True)
class Draft:
    """The statement of one root field, for one city. `sets`: the type that sets of datasets are bound as."""

    root: Field
    city: str
    limits: PageLimits = field(default_factory=PageLimits)
    sets: str = ID_ARRAY
    parameters: Parameters = field(default_factory=Parameters)
    names: Names = field(init=False)
    _numbers: Iterator[int] = field(init=False, default_factory=lambda: count(1))
    _paths: dict[int, Path] = field(init=False)

    def __post_init__(self) -> None:
        self._paths = _paths(self.root)
        self.names = Names(
            city=lambda: self.parameters.constant(self.city, "text"),
            readable=lambda: self.parameters.add_text(lambda inputs: inputs.scope.readable_set, self.sets),
            observable=lambda: self.parameters.add_text(lambda inputs: inputs.scope.observable_set, self.sets),
            readable_ids=lambda: self.parameters.add(lambda inputs: inputs.scope.readable, ID_ARRAY),
        )

    def alias(self) -> str:
        """A new alias for rows."""
        return f"t{next(self._numbers)}"

    def fill(self, template: str, alias: str, *, outer: str = "", parent: str = "", page: str = "") -> str:
        """A template of `node.store.lists`, `mapping` or `filters` with its aliases."""
        return template.format_map(self.names.filled(t=alias, o=outer, p=parent, page=page))

    def arguments_of(self, node: Field) -> Builder:
        """Makes parameters of the arguments of a field of the tree."""
        return Builder(self.city, self.parameters, self._paths[id(node)])


def _paths(root: Field) -> dict[int, Path]:
    """Where each field of a tree lies, by identity."""
    found: dict[int, Path] = {}

    def visit(node: Field, path: Path) -> None:
        found[id(node)] = path
        for index, child in enumerate(node.children):
            visit(child, (*path, index))

    visit(root, ())
    return found
