"""The parts of an answer that is delivered bit by bit, as JSON (GraphQL specification, draft: incremental delivery).

The first part has `data` and tells in `pending` what is still to come and where; each further one brings some of that
in `incremental` and tells in `completed` what is whole now. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from graphql import GraphQLError

from schema.prepared import dump_json

Told = Callable[[GraphQLError], Mapping[str, Any]]
_MEMBERS = {"subPath": "sub_path", "data": "data", "items": "items"}


def frame_json(frame: Any, told: Told, extensions: Mapping[str, Any] | None = None) -> bytes:
    """One of graphql-core's results as JSON; `told` gives an error the form that it has in answers.

    An ordinary result, of a document that deferred nothing after all, becomes the only part.
    """
    has_next = getattr(frame, "has_next", False)
    part: dict[str, Any] = {}
    if hasattr(frame, "data"):
        part["data"] = frame.data
        part |= _errors(frame.errors, told)
    for name, of in (("pending", _pending), ("incremental", _delivered), ("completed", _completed)):
        entries: Sequence[Any] = getattr(frame, name, None) or ()
        if entries:
            part[name] = [of(entry, told) for entry in entries]
    if extensions:
        part["extensions"] = extensions
    return dump_json(part | {"hasNext": has_next})


def errors_of(frame: Any) -> list[GraphQLError]:
    """All errors that a result tells of."""
    below = [*(getattr(frame, "incremental", None) or ()), *(getattr(frame, "completed", None) or ())]
    return [error for one in (frame, *below) for error in getattr(one, "errors", None) or ()]


def _pending(entry: Any, _told: Told) -> dict[str, Any]:
    label = {"label": entry.label} if entry.label is not None else {}
    return {"id": entry.id, "path": entry.path} | label


def _delivered(entry: Any, told: Told) -> dict[str, Any]:
    values = {name: getattr(entry, attribute, None) for name, attribute in _MEMBERS.items()}
    return (
        {"id": entry.id}
        | {name: value for name, value in values.items() if value is not None}
        | _errors(entry.errors, told)
    )


def _completed(entry: Any, told: Told) -> dict[str, Any]:
    return {"id": entry.id} | _errors(entry.errors, told)


def _errors(errors: Sequence[GraphQLError] | None, told: Told) -> dict[str, Any]:
    return {"errors": [told(error) for error in errors]} if errors else {}
