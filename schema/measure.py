"""How large a document is with its fragments spread, in one memoised pass: linear in its size. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from graphql import (
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
)

HUGE = 10**9
NESTING = 60  # of selection sets, fragments included: what comes after goes down into them recursively
INTROSPECTION = {"__schema", "__type"}
INTROSPECTION_DEPTH = 20  # tools ask for types of types of types; validation bounds the lists among them


@dataclass(frozen=True, slots=True)
class Size:
    """What a selection set amounts to."""

    depth: int = 0
    aliases: int = 0
    directives: int = 0
    selections: int = 0
    fields: int = 0  # on the first level
    nesting: int = 0  # of selection sets


@dataclass(slots=True)
class Measure:
    """Sizes of the parts of a document; each fragment is measured once. `visited` counts selections looked at."""

    fragments: Mapping[str, FragmentDefinitionNode]
    visited: int = 0
    _known: dict[str, Size] = field(default_factory=dict)
    _open: set[str] = field(default_factory=set)
    _level: int = 0

    def definition(self, node: OperationDefinitionNode | FragmentDefinitionNode) -> Size:
        """An operation, or a fragment for itself, with all fragments spread."""
        size = self._selection_set(node.selection_set)
        own = _count(node.directives) + sum(_count(variable.directives) for variable in node.variable_definitions or ())
        fields = size.fields if isinstance(node, OperationDefinitionNode) else 0
        return replace(size, directives=size.directives + own, fields=fields)

    def reached(self, node: FragmentDefinitionNode) -> bool:
        """Whether this very fragment has been spread: names can be given twice."""
        return node.name.value in self._known and self.fragments[node.name.value] is node

    def _selection_set(self, node: SelectionSetNode | None) -> Size:
        if node is None or self._level > NESTING:
            return Size(nesting=0 if node is None else HUGE)
        self._level += 1
        depth = aliases = directives = selections = fields = nesting = 0
        for selection in node.selections:
            self.visited += 1
            size = self._selection(selection)
            depth = max(depth, size.depth)
            nesting = max(nesting, size.nesting)
            aliases = min(HUGE, aliases + size.aliases)
            directives = min(HUGE, directives + size.directives + _count(selection.directives))
            selections = min(HUGE, selections + size.selections)
            fields = min(HUGE, fields + size.fields)
        self._level -= 1
        return Size(depth, aliases, directives, selections, fields, min(HUGE, nesting + 1))

    def _selection(self, node: SelectionNode) -> Size:
        if isinstance(node, FieldNode):
            below = self._selection_set(node.selection_set)
            is_introspection = node.name.value in INTROSPECTION and below.depth <= INTROSPECTION_DEPTH
            depth = 1 if is_introspection else below.depth + 1
            aliases = below.aliases + (node.alias is not None)
            return Size(depth, aliases, below.directives, below.selections + 1, 1, below.nesting)
        if isinstance(node, InlineFragmentNode):
            return self._selection_set(node.selection_set)
        assert isinstance(node, FragmentSpreadNode)
        return self._fragment(node.name.value)

    def _fragment(self, name: str) -> Size:
        if name in self._open or name not in self.fragments:  # cycles and unknown names are for the validation
            return Size()
        if name not in self._known:
            self._open.add(name)
            fragment = self.fragments[name]
            size = self._selection_set(fragment.selection_set)
            self._known[name] = replace(size, directives=size.directives + _count(fragment.directives))
            self._open.discard(name)
        return self._known[name]


def repeated_key(
    nodes: Sequence[SelectionSetNode], fragments: Mapping[str, FragmentDefinitionNode], limit: int
) -> str | None:
    """A response key that comes too often: validating that its fields can be merged takes the square of that.

    Called after the size is known to be within bounds, so spreading the fragments is, too.
    """
    groups: dict[str, list[FieldNode]] = {}
    for node in _fields(nodes, fragments):
        groups.setdefault((node.alias or node.name).value, []).append(node)
    for key, group in groups.items():
        below = [field.selection_set for field in group if field.selection_set is not None]
        found = key if len(group) > limit else repeated_key(below, fragments, limit) if below else None
        if found is not None:
            return found
    return None


def _fields(nodes: Sequence[SelectionSetNode], fragments: Mapping[str, FragmentDefinitionNode]) -> Iterator[FieldNode]:
    """The fields of selection sets, each fragment spread once."""
    visited: set[str] = set()
    waiting = list(nodes)
    while waiting:
        for selection in waiting.pop().selections:
            if isinstance(selection, FieldNode):
                yield selection
            elif isinstance(selection, InlineFragmentNode):
                waiting.append(selection.selection_set)
            elif isinstance(selection, FragmentSpreadNode) and selection.name.value not in visited:
                visited.add(selection.name.value)
                fragment = fragments.get(selection.name.value)
                waiting += [fragment.selection_set] if fragment else []


def _count(directives: Sequence[DirectiveNode] | None) -> int:
    return len(directives) if directives else 0
