"""What series and groups have in common: who may see them, what they touch, the objects that they name."""

from __future__ import annotations

from collections.abc import Iterable

from node.store.draft import Draft
from node.store.mapping import Inline, Many, One, Related
from node.store.objects import object_json
from node.store.reach import crosses
from node.store.sql import literal
from schema.selection import Field

_MEMBERS = 30  # of one call: a function has at most 100 arguments
VISIBLE = "granted({observable}, {p}.dataset_id) and granted({readable}, {p}.dataset_id)"


def one_json(relation: Inline | One | Many | Related, outer: str, child: Field, draft: Draft) -> str:
    """The object that a row with alias `outer` leads to, as JSON text; null if there is none."""
    assert isinstance(relation, One)
    condition = draft.fill(relation.condition, "r", outer=outer)
    return f"coalesce((select {object_json('r', child, draft)} from {relation.table} r where {condition}), 'null')"


def touched(draft: Draft) -> str:
    """Ids of the datasets that the answer may contain anything of; `chosen` has the datastreams.

    Exact, unless the selection crosses from a thing to all its datastreams: then all that is within reach there.
    """
    return draft.names["readable_ids"] if crosses(draft.root) else "(select array_agg(distinct dataset_id) from chosen)"


def bounded(limit: int) -> tuple[str, str]:
    """The answer `json_`, and why it is not given out: larger than answers may be, it stays in the database."""
    size = "octet_length(json_)"
    return (
        f"case when {size} <= {limit} then json_ else '[]' end",
        f"case when {size} > {limit} then format('the answer has %s bytes; the limit is {limit}', {size}) end",
    )


def large_object(members: Iterable[tuple[str, str]]) -> str:
    """As `json_object`, for long values: `||` would copy all that it has so far for each member."""
    parts = [literal(f'{"," if n else "{"}"{key}":') + f", {value}" for n, (key, value) in enumerate(members)]
    calls = [f"concat({', '.join(parts[at : at + _MEMBERS])})" for at in range(0, len(parts), _MEMBERS)]
    return " || ".join([*calls, "'}'"])
