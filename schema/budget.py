"""Bounds on a document, checked before it is validated: validating a hostile document is what makes it costly."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    parse,
)

from schema.measure import HUGE, NESTING, Measure, repeated_key

PARSER_GAVE_UP = "Parsing aborted."  # graphql-core, at the end of its messages about tokens and nesting
REMEDIES: Mapping[str, str] = {
    "tokens": "ask for less in one document, and give lists of values as variables",
    "depth": "ask for what lies deepest in a request of its own, by its id",
    "aliases": "ask in several requests; one filter with several ids often replaces aliases",
    "directives": "send the document without the parts that you leave out",
    "selections": "select fewer fields; fragments count wherever they are spread",
    "root fields": "ask in several requests",
    "operations": "send the operation that you mean, and only that",
    "fragments": "send only the fragments that the operation spreads",
    "nested fragments": "spread fragments in fragments less deeply",
}


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a document may be, counted with its fragments spread."""

    tokens: int = 2_000
    depth: int = 12
    aliases: int = 50
    selections: int = 1_000
    root_fields: int = 10
    repeats: int = 5
    directives: int = 50
    operations: int = 10
    fragments: int = 100

    def for_peers(self) -> Bounds:
        """Bounds for what another node sends: it has checked its caller's document, and spread the fragments since."""
        return Bounds(
            tokens=self.tokens * 4,
            depth=self.depth + 2,
            aliases=self.aliases * 2 + 10,
            selections=self.selections * 2,
            root_fields=self.root_fields,
            repeats=self.repeats,
            directives=self.directives,
            operations=self.operations,
            fragments=self.fragments,
        )


def parse_document(text: str, bounds: Bounds) -> DocumentNode:
    """Parse no more than the bounds allow.

    Raises:
        GraphQLError: it does not parse; with code TOO_COSTLY if it has too many tokens or is nested too deeply.
    """
    try:
        return parse(text, max_tokens=bounds.tokens)
    except GraphQLSyntaxError as error:
        if not error.message.endswith(PARSER_GAVE_UP):
            raise
        too_long = "tokens" in error.message
    if too_long:
        raise _excess("tokens", f"more than {bounds.tokens}", bounds.tokens)
    raise _excess("depth", "far too much", bounds.depth)


def check_document(document: DocumentNode, bounds: Bounds) -> GraphQLError | None:
    """The first bound that the document exceeds, as an error with code TOO_COSTLY; None if it keeps them all."""
    spreadable = [node for node in document.definitions if isinstance(node, FragmentDefinitionNode)]
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    for name, value, limit in (
        ("operations", len(operations), bounds.operations),
        ("fragments", len(spreadable), bounds.fragments),
    ):
        if value > limit:
            return _excess(name, value, limit)
    measure = Measure({node.name.value: node for node in spreadable})
    excess = next(_excesses(operations, measure, bounds), None)
    if excess is None:  # what no operation spreads is validated too
        excess = next(_excesses([node for node in spreadable if not measure.reached(node)], measure, bounds), None)
    return excess


def _excesses(
    definitions: Iterable[OperationDefinitionNode | FragmentDefinitionNode], measure: Measure, bounds: Bounds
) -> Iterator[GraphQLError]:
    for definition in definitions:
        size = measure.definition(definition)
        for name, value, limit in (
            ("nested fragments", size.nesting, NESTING),
            ("depth", size.depth, bounds.depth),
            ("aliases", size.aliases, bounds.aliases),
            ("directives", size.directives, bounds.directives),
            ("selections", size.selections, bounds.selections),
            ("root fields", size.fields, bounds.root_fields),
        ):
            if value > limit:
                yield _excess(name, value if value < HUGE else f"more than {limit}", limit)
                return
        if (key := repeated_key([definition.selection_set], measure.fragments, bounds.repeats)) is not None:
            yield _too_costly(
                f"{key!r} is asked for more than {bounds.repeats} times in one place; the limit is {bounds.repeats}",
                "merge the selections of the same field",
            )


def _excess(name: str, value: int | str, limit: int) -> GraphQLError:
    return _too_costly(f"the document has {value} {name}; the limit is {limit}", REMEDIES[name])


def _too_costly(message: str, hint: str) -> GraphQLError:
    return GraphQLError(message, extensions={"code": "TOO_COSTLY", "hint": hint})
