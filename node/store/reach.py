"""Which datasets a question reaches: those that its ids belong to, and those that a selection can lead to. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from node.store.draft import Draft
from node.store.lists import LISTS
from schema.selection import Field

KINDS = {"Dataset": "dataset", "Thing": "thing", "Datastream": "datastream"}
DATASET_COLUMN = {"Dataset": "id", "Datastream": "dataset_id", "Observation": "dataset_id"}
NAMED_BY = {"datasets": "Dataset", "things": "Thing", "datastreams": "Datastream"}


def crosses(root: Field) -> bool:
    """True if the selection goes from a thing below the rows to all its datastreams, which may be of other datasets."""
    return any(_leaves_by_thing(child) for row in _row_fields(root) for child in row.children)


def reached(type_name: str, page: str, draft: Draft) -> str:
    """A query for the ids of the datasets that an answer may contain rows of.

    Exact, unless the selection crosses from a thing to all its datastreams: then all that is within reach there.
    """
    if crosses(draft.root):
        return f"select unnest({draft.names['readable_ids']})"
    return draft.fill(LISTS[type_name].datasets, "t", page=page)


def named_keys(type_name: str, draft: Draft) -> dict[str, str]:
    """The keys in a list's filter as parameters, by the type that they are of."""
    values = draft.root.arguments.get("filter") or {}
    arguments = {"ids": type_name, **NAMED_BY} if type_name in KINDS else NAMED_BY
    build = draft.arguments_of(draft.root)
    return {
        kind: build.ids(f"filter.{name}", KINDS[kind])
        for name, kind in arguments.items()
        if values.get(name) is not None
    }


def denied(type_name: str, named: Mapping[str, str], draft: Draft) -> str:
    """Keys of datasets beyond the scope that belong to what was named: a denial leaves a record."""
    if not named:
        return "null"
    scope = draft.names["observable" if type_name == "Observation" else "readable"]
    found = " union ".join(f"select beyond_by_{KINDS[kind]}({keys}, {scope})" for kind, keys in named.items())
    return f"(select json_agg(key) from ({found}) beyond (key))"


def _row_fields(root: Field) -> Iterator[Field]:
    if not root.type_name.endswith("Connection"):
        yield root
    for child in root.children:
        if child.name == "nodes":
            yield child
        elif child.name == "edges":
            yield from child.children_named("node")


def _leaves_by_thing(node: Field) -> bool:
    here = node.type_name == "Thing" and node.child("datastreams") is not None
    return here or any(map(_leaves_by_thing, node.children))
