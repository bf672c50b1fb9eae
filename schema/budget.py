"""One memoised pass that bounds a document before it is validated: linear in its size, whatever its fragments do."""

from __future__ import annotations

from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

HUGE = 10**9
INTROSPECTION = {"__schema", "__type"}
INTROSPECTION_DEPTH = 20  # tools ask for types of types of types; validation bounds the lists among them


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a document may be, counted with its fragments spread."""

    tokens: int = 2_000
    depth: int = 12
    aliases: int = 50
    selections: int = 1_000
    root_fields: int = 10
    repeats: int = 5

    def for_peers(self) -> Bounds:
        """Bounds for what another node sends: it has checked its caller's document, and spread the fragments since."""
        return Bounds(
            tokens=self.tokens * 4,
            depth=self.depth + 2,
            aliases=self.aliases * 2 + 10,
            selections=self.selections * 2,
            root_fields=self.root_fields,
            repeats=self.repeats,
        )


@dataclass(frozen=True, slots=True)
class Size:
    """What a selection set amounts to."""

    depth: int = 0
    aliases: int = 0
    selections: int = 0
    fields: int = 0  # on the first level


@dataclass(slots=True)
class _Measure:
    fragments: dict[str, FragmentDefinitionNode]
    known: dict[str, Size] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)

    def selection_set(self, node: SelectionSetNode | None) -> Size:
        depth = aliases = selections = fields = 0
        for selection in node.selections if node else ():
            if isinstance(selection, FieldNode):
                below = self.selection_set(selection.selection_set)
                depth_here = below.depth + 1
                if selection.name.value in INTROSPECTION and below.depth <= INTROSPECTION_DEPTH:
                    depth_here = 1
                size = Size(depth_here, below.aliases + (selection.alias is not None), below.selections + 1, 1)
            elif isinstance(selection, InlineFragmentNode):
                size = self.selection_set(selection.selection_set)
            else:
                assert isinstance(selection, FragmentSpreadNode)
                size = self.fragment(selection.name.value)
            depth = max(depth, size.depth)
            aliases = min(HUGE, aliases + size.aliases)
            selections = min(HUGE, selections + size.selections)
            fields = min(HUGE, fields + size.fields)
        return Size(depth, aliases, selections, fields)

    def fragment(self, name: str) -> Size:
        if name in self.open or name not in self.fragments:  # cycles and unknown names are for the validation
            return Size()
        if name not in self.known:
            self.open.add(name)
            self.known[name] = self.selection_set(self.fragments[name].selection_set)
            self.open.discard(name)
        return self.known[name]


def check_document(document: DocumentNode, bounds: Bounds) -> GraphQLError | None:
    """The first bound that the document exceeds, as an error with code TOO_COSTLY; None if it keeps them all."""
    fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    measure = _Measure(fragments)
    for operation in operations:
        size = measure.selection_set(operation.selection_set)
        for name, value, limit in (
            ("depth", size.depth, bounds.depth),
            ("aliases", size.aliases, bounds.aliases),
            ("selections", size.selections, bounds.selections),
            ("root fields", size.fields, bounds.root_fields),
        ):
            if value > limit:
                told = f"more than {HUGE}" if value >= HUGE else str(value)
                return GraphQLError(
                    f"the document has {told} {name}; the limit is {limit}",
                    extensions={"code": "TOO_COSTLY", "hint": "ask for less in one request, or in several"},
                )
        if (key := _repeated([operation.selection_set], fragments, bounds.repeats)) is not None:
            return GraphQLError(
                f"{key!r} is asked for more than {bounds.repeats} times in one place",
                extensions={"code": "TOO_COSTLY", "hint": "merge the selections of the same field"},
            )
    return None


def _repeated(nodes: list[SelectionSetNode], fragments: dict[str, FragmentDefinitionNode], limit: int) -> str | None:
    """A response key that comes too often: validating that its fields can be merged takes the square of that.

    Called after the size is known to be within bounds, so spreading the fragments is, too.
    """
    groups: dict[str, list[FieldNode]] = {}
    visited: set[str] = set()
    waiting = list(nodes)
    while waiting:
        for selection in waiting.pop().selections:
            if isinstance(selection, FieldNode):
                groups.setdefault((selection.alias or selection.name).value, []).append(selection)
            elif isinstance(selection, InlineFragmentNode):
                waiting.append(selection.selection_set)
            elif isinstance(selection, FragmentSpreadNode) and selection.name.value not in visited:
                visited.add(selection.name.value)
                fragment = fragments.get(selection.name.value)
                waiting += [fragment.selection_set] if fragment else []
    for key, group in groups.items():
        below = [field.selection_set for field in group if field.selection_set is not None]
        found = key if len(group) > limit else _repeated(below, fragments, limit) if below else None
        if found is not None:
            return found
    return None
