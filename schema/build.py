"""Assemble the executable schema."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator

import strawberry
from graphql import DocumentNode, GraphQLError, GraphQLSchema, OperationDefinitionNode
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.types.execution import ExecutionContext

from schema.budget import Bounds
from schema.cost_directives import COST_DIRECTIVES, publish_costs
from schema.documents import Documents
from schema.errors import RequestError
from schema.mutation import Mutation
from schema.ports import Context
from schema.prepared import PreparedExecutor
from schema.query import Query
from schema.subscription import Subscription
from schema.types.scalars import DATE_TIME, DURATION, DateTime, Duration

log = logging.getLogger("verbund.schema")


class VerbundSchema(strawberry.Schema):
    """Logs only what is our fault: callers' mistakes are answered, not logged."""

    documents: Documents

    @property
    def graphql(self) -> GraphQLSchema:
        """graphql-core's schema."""
        return self._schema

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Called by Strawberry's executor."""
        self.log_errors(errors, execution_context.context if execution_context else None)

    def log_errors(self, errors: Iterable[GraphQLError], context: Context | None) -> None:
        """Log unexpected exceptions with their trace id."""
        for error in errors:
            original = error.original_error
            if original is None or isinstance(original, RequestError | GraphQLError):
                continue
            trace = context.request.trace_id if context else "-"
            log.error("trace %s: a resolver failed", trace, exc_info=original)


def build_schema(bounds: Bounds | None = None) -> VerbundSchema:
    """The schema with its document cache; limits as given."""
    schema = VerbundSchema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        execution_context_class=PreparedExecutor,
        config=StrawberryConfig(
            scalar_map={DateTime: DATE_TIME, Duration: DURATION}, enable_experimental_incremental_execution=True
        ),
        extensions=[_known_documents(lambda: schema.documents)],
        types=COST_DIRECTIVES,
    )
    # Streamed items wait for each other: one city that is slow would hold up those behind it.
    schema.graphql.directives = tuple(one for one in schema.graphql.directives if one.name != "stream")
    publish_costs(schema.graphql)
    schema.documents = Documents(schema.graphql, bounds or Bounds())
    return schema


def print_sdl() -> str:
    """The schema definition that is committed as `schema/schema.graphql`."""
    return build_schema().as_str() + "\n"


def _known_documents(documents: Callable[[], Documents]) -> type[SchemaExtension]:
    class KnownDocuments(SchemaExtension):
        """Hands Strawberry the parsed and validated document."""

        def on_parse(self) -> Iterator[None]:
            context: Context = self.execution_context.context
            from_peer = context.request.caller.peer is not None
            checked = documents().check(self.execution_context.query or "", from_peer=from_peer)
            if checked.document is None:
                raise fresh(checked.errors[0])
            _check_choice(checked.document, self.execution_context)
            self.execution_context.graphql_document = checked.document if context.in_parts else checked.whole
            self.execution_context.pre_execution_errors = list(map(fresh, checked.errors)) or None
            self.execution_context.validation_rules = ()
            yield

    return KnownDocuments


def _check_choice(document: DocumentNode, context: ExecutionContext) -> None:
    """Which operation is meant must be clear; Strawberry would take the first one (GraphQL specification, 6.1)."""
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if len(operations) > 1 and context._provided_operation_name is None:  # noqa: SLF001 - not offered otherwise
        raise GraphQLError(
            f"the document has {len(operations)} operations",
            extensions={"code": "BAD_REQUEST", "hint": "name the one you mean in operationName"},
        )


def fresh(error: GraphQLError) -> GraphQLError:
    """A copy: Python hangs a traceback on what is raised, and a remembered error would keep every request alive."""
    return GraphQLError(
        error.message, nodes=error.nodes, source=error.source, positions=error.positions, extensions=error.extensions
    )
