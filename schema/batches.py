"""Series of observations decoded at once: GraphQL's own coercion, value by value, takes ten times as long.

Only where that is sure to mean the same: the whole mutation is one `recordObservations` with its series in one
variable. Whatever is not exactly as it should be goes the ordinary road, which says what is wrong with it. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import msgspec
from graphql import FieldNode, OperationDefinitionNode, VariableNode
from strawberry import ID

from schema.types.enums import Quality
from schema.types.intake import ObservationSeriesInput
from schema.types.scalars import DateTime, parse_time

FIELD = "recordObservations"


class _Series(msgspec.Struct, forbid_unknown_fields=True):
    datastream: str
    times: list[str]
    results: list[float | None]
    quality: Literal["RAW", "CHECKED", "ESTIMATED", "SUSPECT", "MISSING"] = "RAW"


class Batch(NamedTuple):
    """The series, and the variables without them."""

    series: Sequence[ObservationSeriesInput]
    variables: dict[str, Any]


def batch_of(operation: OperationDefinitionNode, variables: Mapping[str, Any] | None) -> Batch | None:
    """The batch that a mutation brings, if it is decoded at once."""
    name = _variable(operation)
    if name is None or variables is None:
        return None
    try:
        decoded = msgspec.convert(variables.get(name), list[_Series])
        series = [
            ObservationSeriesInput(
                datastream=ID(one.datastream),
                times=[DateTime(parse_time(time)) for time in one.times],
                results=one.results,
                quality=Quality[one.quality],
            )
            for one in decoded
        ]
    except ValueError:  # msgspec's errors are ValueErrors, too
        return None
    return Batch(series, {**variables, name: []})


def _variable(operation: OperationDefinitionNode) -> str | None:
    if len(operation.selection_set.selections) != 1:
        return None
    (field,) = operation.selection_set.selections
    if not isinstance(field, FieldNode) or field.name.value != FIELD or field.directives:
        return None
    values = [argument.value for argument in field.arguments or ()]
    return values[0].name.value if len(values) == 1 and isinstance(values[0], VariableNode) else None
