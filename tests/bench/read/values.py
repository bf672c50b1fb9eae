"""Do all systems give the same values? Their answers differ in form: times, numbers, wrappers, ids. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

OWN_IDS = {"id", "rowId"}  # each system has its own


class Disagreement(Exception):
    """Two systems give different values for the same query."""


def normal(value: Any) -> Any:
    """The values alone, in the order in which they were asked for: objects become lists, times UTC, numbers floats.

    What has a single part, such as `{"nodes": […]}`, becomes that part.
    """
    if isinstance(value, dict):
        parts = [normal(part) for name, part in value.items() if name not in OWN_IDS]
        return parts[0] if len(parts) == 1 else parts
    if isinstance(value, list):
        return [normal(part) for part in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str) and value[4:5] == "-" and "T" in value:
        return datetime.fromisoformat(value).astimezone(UTC)
    return value


def check_agreement(query: str, answers: dict[str, Any]) -> None:
    """`answers`: the data by system.

    Raises:
        Disagreement: naming the systems and the first values that differ.
    """
    systems = list(answers)
    first = normal(answers[systems[0]])
    for system in systems[1:]:
        if difference := _difference(first, normal(answers[system])):
            raise Disagreement(f"{query}: {systems[0]} and {system} differ: {difference}")


def _difference(one: Any, other: Any, place: str = "") -> str:
    if isinstance(one, list) and isinstance(other, list):
        if len(one) != len(other):
            return f"{place or 'the answer'} has {len(one)} and {len(other)} parts"
        for index, (left, right) in enumerate(zip(one, other, strict=True)):
            if found := _difference(left, right, f"{place}[{index}]"):
                return found
        return ""
    return "" if one == other else f"{place or 'the answer'} is {one!r:.200} and {other!r:.200}"
