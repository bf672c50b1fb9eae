"""Check a peer's JSON against the schema before any of it goes into an answer.

From a selection and the GraphQL schema a msgspec type is made, once per shape of question. Decoding with it checks
every value; the bytes themselves are passed on as they came. Ids and city names must be the peer's own: nobody can
speak for another city.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, Optional

import msgspec
from graphql import (
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
)

from federation.errors import PeerIncompatible
from schema.selection import TYPENAME, Field

REMEMBERED = 1_024
_VOCABULARY = frozenset({"purposes"})  # ids that all members have in common
_SCALARS: dict[str, Any] = {
    "ID": str,
    "String": str,
    "Int": Annotated[int, msgspec.Meta(ge=-(2**31), lt=2**31)],
    "Float": float,
    "Boolean": bool,
    "DateTime": Annotated[datetime, msgspec.Meta(tz=True)],
}
_COLUMNS: Mapping[str, frozenset[str]] = {
    "Series": frozenset({"times", "ends", "values", "qualities"}),
    "Histogram": frozenset({"bins", "counts"}),
}


class Shapes:
    """Decoders by peer and text of the question."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._known: OrderedDict[tuple[str, str], msgspec.json.Decoder[Any]] = OrderedDict()

    def check(self, city: str, question: str, root: Field, answer: bytes | msgspec.Raw) -> None:
        """Check the value of a root field that a city sent.

        Raises:
            PeerIncompatible: it does not fit the schema, or speaks of another city's things.
        """
        decoder = self._known.get((city, question))
        if decoder is None:
            query = self._schema.query_type
            assert query is not None
            decoder = msgspec.json.Decoder(_Shaper(city).of(query.fields[root.name].type, root))
            self._known[city, question] = decoder
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        try:
            decoder.decode(answer)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise PeerIncompatible(f"its answer does not fit the schema ({_where(error)})") from error


@dataclass(frozen=True, slots=True)
class _Shaper:
    city: str

    def of(self, declared: GraphQLOutputType, field: Field) -> Any:
        if isinstance(declared, GraphQLNonNull):
            return self._present(declared.of_type, field)
        return Optional[self._present(declared, field)]  # noqa: UP045 - the operand is a value, not an annotation

    def _present(self, declared: Any, field: Field) -> Any:
        if isinstance(declared, GraphQLList):
            return list[self.of(declared.of_type, field)]  # type: ignore[misc]
        if isinstance(declared, GraphQLObjectType):
            return self._object(declared, field)
        if isinstance(declared, GraphQLEnumType):
            return Literal[tuple(declared.values)]
        if declared.name == "ID" and field.name not in _VOCABULARY:
            return Annotated[str, msgspec.Meta(pattern=f"^{re.escape(self.city)}:")]
        if field.name in {"city", "cities"} and declared.name == "String":
            return Literal[self.city]
        return _SCALARS[declared.name]

    def _object(self, declared: GraphQLObjectType, field: Field) -> Any:
        members: list[tuple[str, Any, Any]] = []
        columns = []
        for number, child in enumerate(field.children):
            if child.name == TYPENAME:
                kind: Any = Literal[declared.name]
            else:
                kind = self.of(declared.fields[child.name].type, child)
            members.append((f"f{number}", kind, msgspec.field(name=child.key)))
            if child.name in _COLUMNS.get(declared.name, ()):
                columns.append(f"f{number}")
        checks = {"__post_init__": _of_equal_length(columns)} if len(columns) > 1 else None
        # what is decoded is thrown away at once: no reason for the collector to look at it
        return msgspec.defstruct(declared.name, members, forbid_unknown_fields=True, namespace=checks, gc=False)


def _of_equal_length(columns: Sequence[str]) -> Callable[[msgspec.Struct], None]:
    """Columns of one table have a value for each of its rows."""

    def check(table: msgspec.Struct) -> None:
        lengths = {len(column) for name in columns if (column := getattr(table, name)) is not None}
        if len(lengths) > 1:
            raise ValueError("its columns differ in length")

    return check


def _where(error: Exception) -> str:
    """Only the place, never the value."""
    _, _, place = str(error).partition(" - at ")
    return f"at {place.strip('`')}" if place else "it is not valid JSON"
