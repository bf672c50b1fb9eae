"""Documents are parsed, bounded and validated once; then they are known by their text."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from graphql import DocumentNode, GraphQLError, GraphQLSchema, parse, specified_rules, validate
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from schema.budget import Bounds, check_document

RULES = (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule)
REMEMBERED = 256
LONGEST_REMEMBERED = 4_096  # characters; a parsed document takes some hundred times as much memory
MAX_ERRORS = 10


@dataclass(frozen=True, slots=True)
class Checked:
    """A document that may be executed, or what is wrong with it."""

    document: DocumentNode | None
    errors: tuple[GraphQLError, ...]


class Documents:
    """The documents that this node has seen lately."""

    def __init__(self, schema: GraphQLSchema, bounds: Bounds) -> None:
        self._schema = schema
        self._bounds = {False: bounds, True: bounds.for_peers()}
        self._known: OrderedDict[tuple[bool, str], Checked] = OrderedDict()

    def check(self, text: str, *, from_peer: bool = False) -> Checked:
        """Parse and validate, or remember having done so."""
        known = self._known.get((from_peer, text))
        if known is not None:
            self._known.move_to_end((from_peer, text))
            return known
        checked = self._check(text, self._bounds[from_peer])
        if len(text) > LONGEST_REMEMBERED:
            return checked
        self._known[from_peer, text] = checked
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return checked

    def _check(self, text: str, bounds: Bounds) -> Checked:
        try:
            document = parse(text, max_tokens=bounds.tokens)
        except GraphQLError as error:
            return Checked(None, (error,))
        # the bounds first: validating a hostile document is what makes it costly
        excess = check_document(document, bounds)
        if excess is not None:
            return Checked(None, (excess,))
        errors = validate(self._schema, document, RULES, max_errors=MAX_ERRORS)
        return Checked(document, tuple(errors))
