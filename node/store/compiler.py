"""Compile a selection tree into one SQL statement that answers in JSON text: of a list, or of one object.

Pure: a tree in, text and binds out. What results and arrivals are compiled to: `node.store.results`, `arrivals`.
"""

from __future__ import annotations

from functools import partial

from node.store.draft import EPOCH, Draft
from node.store.lists import LISTS
from node.store.objects import object_json, of_all
from node.store.page import Asked, asked_of
from node.store.parameters import Statement
from node.store.reach import DATASET_COLUMN, crosses, denied, named_keys, reached
from node.store.rows import Rows, rows_of
from node.store.sql import all_of
from node.store.start import root_position


def compile_list(draft: Draft, *, after: bool = False) -> Statement:
    """The statement of a root connection; `after`: whether it goes on from a position.

    Columns: JSON of each child with a value for each row (if all these are larger than an answer may be: their bytes in
    place of each, so that they never fill a node's memory), and of each that tells of all; number of rows, whether
    there is a next page, first and last cursor (these three only if they are selected), ids of the datasets whose
    rows it has (an array), keys of datasets that the filter names but the scope denies (a JSON array; both null for
    none), policy epoch.
    """
    root = draft.root
    asked = asked_of(root)
    type_name = root.type_name.removesuffix("Connection")
    rows = rows_of(root, draft, root_position if after else None)
    beyond = denied(type_name, named_keys(type_name, draft), draft)
    if asked.is_plain and type_name in DATASET_COLUMN and not crosses(root):
        sql = _plain(type_name, rows, asked, beyond, draft)
    else:
        sql = _numbered(type_name, rows, asked, beyond, draft)
    return draft.parameters.statement(sql, asked.rows + asked.of_all)


def compile_single(draft: Draft) -> Statement:
    """The statement of one object by its key.

    Columns: JSON and ids of its datasets (an array), both null if there is none; policy epoch.
    """
    root = draft.root
    listed = LISTS[root.type_name]
    alias = draft.alias()
    key = draft.parameters.add(lambda inputs: inputs.key, "text")
    condition = all_of([f"{alias}.key = {key}", draft.fill(listed.granted, alias)])
    if root.type_name in DATASET_COLUMN and not crosses(root):
        touched = f"array[{alias}.{DATASET_COLUMN[root.type_name]}]"
    else:
        touched = _distinct(reached(root.type_name, f"(select {alias}.*)", draft))
    found = f"{alias}.id is not null"
    columns = [
        f"case when {found} then {object_json(alias, root, draft)} end",
        f"case when {found} then {touched} end",
        EPOCH,
    ]
    source = f"(select) one left join {draft.fill(listed.source, alias)} on {condition}"
    return draft.parameters.statement(f"select {', '.join(columns)} from {source}")


def compile_denied(draft: Draft) -> Statement:
    """Which datasets beyond the scope an object belongs to; columns: their keys (a JSON array), policy epoch."""
    type_name = draft.root.type_name
    keys = draft.parameters.add(lambda inputs: [inputs.key], "text[]")
    return draft.parameters.statement(f"select {denied(type_name, {type_name: keys}, draft)}, {EPOCH}")


def _plain(type_name: str, rows: Rows, asked: Asked, beyond: str, draft: Draft) -> str:
    page = rows.plain()
    arrays = [page.gathered(child, partial(object_json, draft=draft)) for child in asked.rows]
    aggregates = [f"{array} as json{number}_" for number, array in enumerate(arrays)]
    aggregates += ["count(*) as count_", f"array_agg({page.alias}.{DATASET_COLUMN[type_name]}) as touched_"]
    columns = _bounded(len(arrays), draft)
    columns += [of_all(child, draft.root, rows, draft) for child in asked.of_all]
    columns += ["count_", _has_next(rows) if asked.next else "false", "null", "null"]
    # not `distinct` beside the rows, which would sort them by dataset; a short array isn't worth a query either
    distinct = "(select array_agg(distinct id) from unnest(touched_) touched (id))"
    columns += [distinct if type_name == "Observation" else "touched_", beyond, EPOCH]
    summary = f"select {', '.join(aggregates)} from ({page.source}) {page.alias}"
    return f"select {', '.join(columns)} from ({summary}) page{_size(len(arrays))}"


def _has_next(rows: Rows) -> str:
    """Whether there is a row after a full page, found without its columns."""
    others = f"select from {rows.source} where {all_of(rows.conditions)} offset {rows.first}"
    return f"count_ = {rows.first} and exists ({others})"


def _numbered(type_name: str, rows: Rows, asked: Asked, beyond: str, draft: Draft) -> str:
    page = rows.numbered(draft.root, draft)
    arrays = [page.array(child, partial(object_json, draft=draft)) for child in asked.rows]
    columns = _bounded(len(arrays), draft)
    columns += [of_all(child, draft.root, rows, draft) for child in asked.of_all]
    columns += [f"(select count(*) from {page.shown} shown)", page.has_next]
    columns += [page.cursor_at("min"), page.cursor_at("max")] if asked.cursors else ["null", "null"]
    columns += [_distinct(reached(type_name, page.shown, draft)), beyond, EPOCH]
    made = ", ".join(f"{array} as json{number}_" for number, array in enumerate(arrays))
    once = f"(select {made} offset 0) made"  # not made anew wherever it is named
    return f"{page.sql} select {', '.join(columns)} from {once}{_size(len(arrays))}"


def _bounded(arrays: int, draft: Draft) -> list[str]:
    """The arrays as columns, or the bytes of all of them in the place of each."""
    limit = draft.limits.answer_bytes
    return [f"case when size_ <= {limit} then json{number}_ else size_::text end" for number in range(arrays)]


def _size(arrays: int) -> str:
    """What `_bounded` compares, as one more source."""
    size = " + ".join(f"octet_length(json{number}_)::bigint" for number in range(arrays))
    return f" cross join lateral (select {size} as size_) whole" if arrays else ""


def _distinct(ids: str) -> str:
    return f"(select array_agg(distinct id) from ({ids}) touched (id))"
