"""Read the answer of an owner whose enums have values that this node does not know. Pure.

Such a value has no name here, so it is null; its row stays, and the report says what is missing. Enums of the schema's
answers may be null for that reason. It is looked for only when an answer does not fit the schema.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import msgspec
import orjson
from graphql import GraphQLEnumType, GraphQLList, GraphQLNonNull, GraphQLObjectType, GraphQLSchema

from schema.selection import TYPENAME, Field

TOLD = 5
_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,63}", re.ASCII)


@dataclass(slots=True)
class _Reader:
    unknown: dict[str, None] = field(default_factory=dict)

    def value(self, value: Any, declared: Any, asked: Field, path: str, *, may_be_null: bool = True) -> Any:
        if isinstance(declared, GraphQLNonNull):
            return self.value(value, declared.of_type, asked, path, may_be_null=False)
        if isinstance(declared, GraphQLList) and isinstance(value, list):
            return [self.value(one, declared.of_type, asked, path) for one in value]
        if isinstance(declared, GraphQLObjectType) and isinstance(value, dict):
            return self._object(value, declared, asked, path)
        is_other = isinstance(declared, GraphQLEnumType) and isinstance(value, str) and value not in declared.values
        if is_other and may_be_null and _NAME.fullmatch(value):
            self.unknown[path] = None
            return None
        return value

    def _object(self, value: dict[str, Any], declared: GraphQLObjectType, asked: Field, path: str) -> dict[str, Any]:
        found = dict(value)
        for child in asked.children:
            if child.name != TYPENAME and child.key in found:
                kind = declared.fields[child.name].type
                found[child.key] = self.value(found[child.key], kind, child, f"{path}.{child.name}")
        return found


def without_unknown_values(schema: GraphQLSchema, asked: Field, answer: msgspec.Raw) -> tuple[msgspec.Raw, str | None]:
    """The answer with null for each value of an enum that the schema does not have, and what to tell of it, if any."""
    query = schema.query_type
    assert query is not None
    reader = _Reader()
    try:
        whole = reader.value(orjson.loads(bytes(answer)), query.fields[asked.name].type, asked, asked.name)
    except (orjson.JSONDecodeError, RecursionError):
        return answer, None
    if not reader.unknown:
        return answer, None
    named = ", ".join([*reader.unknown][:TOLD])
    more = f" and {len(reader.unknown) - TOLD} more" if len(reader.unknown) > TOLD else ""
    return msgspec.Raw(orjson.dumps(whole)), f"its schema is newer: values of {named}{more} are not known here"
