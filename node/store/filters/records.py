"""Filters of access records."""

from __future__ import annotations

from typing import Any

from node.store.arguments import Builder

_COLUMNS = {
    "applications": "application",
    "purposes": "purpose",
    "decisions": "decision",
    "traceIds": "trace_id",
}


def record_condition(build: Builder, name: str, _value: Any) -> str:
    """The condition of one field of `AccessFilter`."""
    match name:
        case "cities":
            cities = build.texts("filter.cities")
            return f"({{t}}.caller_city = any({cities}) or {{t}}.counterpart = any({cities}))"
        case "datasets":
            return f"{{t}}.datasets && {build.texts('filter.datasets')}"
        case "applications" | "purposes" | "decisions" | "traceIds":
            return f"{{t}}.{_COLUMNS[name]} = any({build.texts(f'filter.{name}')})"
        case "during":
            start, end = build.interval("filter.during")
            return f"{{t}}.at >= {start} and {{t}}.at < {end}"
    raise AssertionError(name)
