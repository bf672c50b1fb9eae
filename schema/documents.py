"""Documents are parsed, bounded and validated once; then they are known by their text."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from graphql import (
    REMOVE,
    DirectiveNode,
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    Visitor,
    VisitorAction,
    specified_rules,
    validate,
    visit,
)
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from schema.budget import Bounds, check_document, parse_document
from schema.plans import OperationPlan

RULES = (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule)
REMEMBERED = 256
LONGEST_REMEMBERED = 4_096  # characters; a parsed document takes some hundred times as much memory
MAX_ERRORS = 10
DEFER = "defer"


@dataclass(frozen=True, slots=True)
class Checked:
    """A document that may be executed, or what is wrong with it."""

    document: DocumentNode | None
    errors: tuple[GraphQLError, ...]
    plans: Mapping[str | None, OperationPlan] = field(default_factory=dict)
    undeferred: DocumentNode | None = None

    @property
    def defers(self) -> bool:
        """Whether parts of the answer may come later than the rest."""
        return self.undeferred is not None

    @property
    def whole(self) -> DocumentNode | None:
        """The document for clients that want their answer in one piece: without `@defer`."""
        return self.undeferred or self.document

    def plan(self, operation_name: str | None) -> OperationPlan | None:
        """The operation that is meant: the named one, or the only one (GraphQL specification, 6.1)."""
        if operation_name is None and len(self.plans) == 1:
            return next(iter(self.plans.values()))
        return self.plans.get(operation_name)


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
        is_remembered = len(text) <= LONGEST_REMEMBERED
        checked = self._check(text, self._bounds[from_peer], is_remembered=is_remembered)
        if not is_remembered:
            return checked
        self._known[from_peer, text] = checked
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return checked

    def _check(self, text: str, bounds: Bounds, *, is_remembered: bool) -> Checked:
        try:
            document = parse_document(text, bounds)
        except GraphQLError as error:
            return Checked(None, (error,))
        # the bounds first: validating a hostile document is what makes it costly
        excess = check_document(document, bounds)
        if excess is not None:
            return Checked(None, (excess,))
        errors = validate(self._schema, document, RULES, max_errors=MAX_ERRORS)
        operations = () if errors else _operations(document)
        plans = {
            _name(node): OperationPlan(self._schema, document, node, is_remembered=is_remembered) for node in operations
        }
        return Checked(document, tuple(errors), plans, _undeferred(document) if DEFER in text else None)


class _Undeferred(Visitor):
    """Takes `@defer` away."""

    found = False

    def enter_directive(self, node: DirectiveNode, *_: object) -> VisitorAction:
        """See graphql-core."""
        if node.name.value != DEFER:
            return None
        self.found = True
        return REMOVE


def _undeferred(document: DocumentNode) -> DocumentNode | None:
    """The document without `@defer`; None if it has none."""
    visitor = _Undeferred()
    undeferred: DocumentNode = visit(document, visitor)
    return undeferred if visitor.found else None


def _operations(document: DocumentNode) -> Iterator[OperationDefinitionNode]:
    return (node for node in document.definitions if isinstance(node, OperationDefinitionNode))


def _name(operation: OperationDefinitionNode) -> str | None:
    return operation.name.value if operation.name else None
