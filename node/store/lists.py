"""The lists that can be paged: where their rows come from, who may see them, in which orders they stand.

`{t}` is the alias of the row. `{readable}` and `{observable}` are arrays of the ids of the datasets that the caller may
see in the catalog, and whose observations; they are part of every statement.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from node.store.sql import time_text


@dataclass(frozen=True, slots=True)
class Order:
    """A sort key: its SQL expression, its text in a cursor, and the SQL type to which that text is cast back."""

    expression: str
    text: str
    cast: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """A pageable type. `key` breaks ties; `datasets` gives the keys of the datasets that the page's rows belong to.

    With `parent`, rows are read parent by parent (alias `{p}`), each no further than the page needs: a page of a long
    series costs its own rows, not the series.
    """

    source: str
    columns: str
    granted: str
    key: str
    orders: Mapping[str, Order]
    default_order: str
    datasets: str
    parent: str | None = None
    link: str = "true"


def _both(name: str, expression: str, text: str, cast: str) -> dict[str, Order]:
    return {
        f"{name}_ASC": Order(expression, text, cast),
        f"{name}_DESC": Order(expression, text, cast, descending=True),
    }


_NAME = 'lower({t}.name) collate "C"'
_MODIFIED = "coalesce({t}.modified, '0001-01-01T00:00:00Z'::timestamptz)"

LISTS: Mapping[str, Listed] = {
    "Dataset": Listed(
        source="dataset {t}",
        columns="{t}.*",
        granted="{t}.id = any({readable})",
        key="{t}.key",
        orders=_both("TITLE", "{t}.title_sort", "{t}.title_sort", "text")
        | _both("MODIFIED", _MODIFIED, time_text(_MODIFIED), "timestamptz"),
        default_order="TITLE_ASC",
        datasets="select key from {page}",
    ),
    "Thing": Listed(
        source="thing {t}",
        columns="{t}.*",
        granted="exists (select from datastream g where g.thing_id = {t}.id and g.dataset_id = any({readable}))",
        key="{t}.key",
        orders=_both("NAME", _NAME, _NAME, "text"),
        default_order="NAME_ASC",
        datasets="select d.key from {page} p join datastream s on s.thing_id = p.id"
        " join dataset d on d.id = s.dataset_id where d.id = any({readable})",
    ),
    "Datastream": Listed(
        source="datastream {t}",
        columns="{t}.*",
        granted="{t}.dataset_id = any({readable})",
        key="{t}.key",
        orders=_both("NAME", _NAME, _NAME, "text"),
        default_order="NAME_ASC",
        datasets="select d.key from {page} p join dataset d on d.id = p.dataset_id",
    ),
    "Observation": Listed(
        source="observation {t}",
        parent="datastream {p}",
        link="{t}.datastream_id = {p}.id",
        columns="{t}.*, {p}.key as key, {p}.dataset_id as dataset_id",
        granted="{p}.dataset_id = any({observable})",
        key="{p}.key",
        orders=_both("TIME", "{t}.phenomenon_time", time_text("{t}.phenomenon_time"), "timestamptz"),
        default_order="TIME_ASC",
        datasets="select d.key from {page} p join dataset d on d.id = p.dataset_id",
    ),
    "AccessRecord": Listed(
        source="access_record {t}",
        columns="{t}.*, lpad({t}.id::text, 20, '0') as key",
        granted="true",
        key="lpad({t}.id::text, 20, '0')",
        orders={"NEWEST": Order("{t}.id", "lpad({t}.id::text, 20, '0')", "bigint", descending=True)},
        default_order="NEWEST",
        datasets="select null::text as key from {page} where false",
    ),
}
