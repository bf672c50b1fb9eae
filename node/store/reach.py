"""Which datasets a question reaches: those that its ids belong to, and those that a selection can lead to. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from schema.selection import Field

KINDS = {"Dataset": "dataset", "Thing": "thing", "Datastream": "datastream"}
DATASET_COLUMN = {"Dataset": "id", "Datastream": "dataset_id", "Observation": "dataset_id"}
NAMED_BY = {"datasets": "Dataset", "things": "Thing", "datastreams": "Datastream"}


def crosses(root: Field) -> bool:
    """True if the selection goes from a thing below the rows to all its datastreams, which may be of other datasets."""
    return any(_leaves_by_thing(child) for row in _row_fields(root) for child in row.children)


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
