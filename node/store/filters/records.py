"""Filters of access records: the same for the API and for the auditor's command line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from node.store.arguments import Builder

# `{p}` is the kind of a record, `{t}` the record, `{value}` an array of texts
TERMS: Mapping[str, str] = {
    "cities": "({p}.caller_city = any({value}) or {p}.counterpart = any({value}))",
    "applications": "{p}.application = any({value})",
    "purposes": "{p}.purpose = any({value})",
    "datasets": "{p}.datasets && {value}",
    "decisions": "{p}.decision = any({value})",
    "rules": "{p}.rules && {value}",
    "roles": "{p}.role = any({value})",
    "states": "{p}.state = any({value})",
    "actions": "{p}.action = any({value})",
    "fields": "{p}.field = any({value})",
    "kinds": (
        "case when {p}.field = 'security' then 'SECURITY' when split_part({p}.action, ':', 1) = 'operator'"
        " then 'OPERATOR' else 'ACCESS' end = any({value})"
    ),
    "subjects": "{t}.subject = any({value})",
    "tokenIds": "{t}.token_id = any({value})",
    "traceIds": "{t}.trace_id = any({value})",
}
# the terms that are not on kinds; their indexes are used through functions, see migration 0012
OF_RECORDS: Mapping[str, str] = {
    "subjects": "{t}.id in (select records_of_subject({value}))",
    "tokenIds": "{t}.id in (select records_of_token_id({value}))",
    "traceIds": "{t}.id in (select records_of_trace_id({value}))",
}


def record_condition(build: Builder, name: str, value: Any) -> str:
    """The condition of one field of `AccessFilter`."""
    if name == "during":
        start, end = build.interval("filter.during")
        return f"{{t}}.at >= {start} and {{t}}.at < {end}"
    if name == "not":
        return " and ".join(_excluded(build, value)) or "true"
    return included(name).replace("{value}", build.texts(f"filter.{name}"))


def included(name: str) -> str:
    """The condition of a term."""
    return OF_RECORDS.get(name) or TERMS[name]


def excluded(condition: str) -> str:
    """The opposite of a term; what has no value does not match the term."""
    return f"not coalesce({condition}, false)"


def _excluded(build: Builder, terms: Mapping[str, Any]) -> Iterator[str]:
    for name, value in terms.items():
        if value is not None:
            yield excluded(TERMS[name].replace("{value}", build.texts(f"filter.not.{name}")))
