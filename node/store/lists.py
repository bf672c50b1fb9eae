"""The lists that can be paged: where their rows come from, who may see them, in which orders they stand.

`{t}` is the alias of the row. `{readable}` and `{observable}` are the datasets that the caller may see in the catalog,
and whose observations; they are part of every statement. How such a set is bound depends on its size, and
`granted(set, id)` tells whether it has a dataset (`node.store.parameters`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from node.store.arguments import Builder, Values
from node.store.filters.places import metres
from node.store.filters.records import OF_RECORDS
from node.store.filters.words import TEXTS, exact_query, typed_query
from node.store.newest import newest_ids
from node.store.sql import long_ago, time_text
from schema.errors import BadInput


class FoundBy(Protocol):
    """Makes a query for the ids of the first rows of a list, and some more. Conditions have the aliases r and k."""

    def __call__(self, *, record: str, kind: str, first: str) -> str:
        """`first`: expression of how many are wanted."""
        ...


@dataclass(frozen=True, slots=True)
class Order:
    """A sort key: its SQL expression, its text in a cursor, and the SQL type to which that text is cast back.

    `made` gives the expression for orders that depend on arguments; it is the text, too.
    """

    expression: str
    text: str
    cast: str
    descending: bool = False
    made: Callable[[Builder, Values], str] | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A pageable type. `key` breaks ties; `datasets` gives the ids of the datasets that the page's rows belong to.

    With `parent`, rows are read parent by parent (alias `{p}`), each no further than the page needs: a page of a long
    series costs its own rows, not the series. With `found_by`, the first rows are those with the ids that it finds.
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
    found_by: FoundBy | None = None


def _both(name: str, expression: str, text: str, cast: str) -> dict[str, Order]:
    return {
        f"{name}_ASC": Order(expression, text, cast),
        f"{name}_DESC": Order(expression, text, cast, descending=True),
    }


def order_of(listed: Listed, arguments: Values, build: Builder) -> Order:
    """The order that a list's arguments ask for.

    Raises:
        BadInput: it needs a filter that is not there.
    """
    order = listed.orders[arguments.get("orderBy", listed.default_order)]
    if order.made is None:
        return order
    expression = order.made(build, arguments)
    return replace(order, expression=expression, text=expression)


def _at(column: str) -> dict[str, Order]:
    """By a time that may be missing."""
    time = long_ago(f"{{t}}.{column}")
    return _both(column.upper(), time, time_text(time), "timestamptz")


def _relevance(build: Builder, arguments: Values) -> str:
    values = arguments.get("filter") or {}
    name = next((name for name in TEXTS if values.get(name) is not None), None)
    if name is None:
        raise BadInput("orderBy: RELEVANCE needs a text", hint="give filter.text or filter.textPrefix")
    return f'search_rank({{t}}.search, {exact_query(build, name)}, {typed_query(build, name)}) collate "C"'


def _distance(longitude: str, latitude: str) -> Callable[[Builder, Values], str]:
    def made(build: Builder, arguments: Values) -> str:
        if (arguments.get("filter") or {}).get("near") is None:
            raise BadInput("orderBy: DISTANCE needs a place", hint="give filter.near")
        return f"to_char({metres(build, longitude, latitude)}, 'FM00000000.0') collate \"C\""

    return made


def _where(column: str) -> str:
    return f"(select b.{column} from thing b where b.id = {{t}}.thing_id)"


_NAME = _both("NAME", "{t}.name_sort", "{t}.name_sort", "text")
_RELEVANCE = {"RELEVANCE": Order("", "", "text", made=_relevance)}

LISTS: Mapping[str, Listed] = {
    "Dataset": Listed(
        source="dataset {t}",
        columns="{t}.*",
        granted="granted({readable}, {t}.id)",
        key="{t}.key",
        orders=_both("TITLE", "{t}.title_sort", "{t}.title_sort", "text")
        | _at("modified")
        | _at("issued")
        | _RELEVANCE,
        default_order="TITLE_ASC",
        datasets="select id from {page}",
    ),
    "Thing": Listed(
        source="thing {t}",
        columns="{t}.*",
        granted="exists (select from datastream g where g.thing_id = {t}.id and granted({readable}, g.dataset_id))",
        key="{t}.key",
        orders=_NAME
        | _RELEVANCE
        | {"DISTANCE": Order("", "", "text", made=_distance("{t}.longitude", "{t}.latitude"))},
        default_order="NAME_ASC",
        datasets="select s.dataset_id from {page} p join datastream s on s.thing_id = p.id"
        " where granted({readable}, s.dataset_id)",
    ),
    "Datastream": Listed(
        source="datastream {t}",
        columns="{t}.*",
        granted="granted({readable}, {t}.dataset_id)",
        key="{t}.key",
        orders=_NAME
        | _RELEVANCE
        | _at("phenomenon_end")
        | {"DISTANCE": Order("", "", "text", made=_distance(_where("longitude"), _where("latitude")))},
        default_order="NAME_ASC",
        datasets="select dataset_id from {page}",
    ),
    "Observation": Listed(
        source="observation {t}",
        parent="datastream {p}",
        link="{t}.datastream_id = {p}.id",
        columns="{t}.*, {p}.key as key, {p}.dataset_id as dataset_id",
        granted="granted({observable}, {p}.dataset_id)",
        key="{p}.key",
        orders=_both("TIME", "{t}.phenomenon_time", time_text("{t}.phenomenon_time"), "timestamptz"),
        default_order="TIME_ASC",
        datasets="select dataset_id from {page}",
    ),
    "AccessRecord": Listed(
        source="access_record {t}",
        columns="{t}.*, lpad({t}.id::text, 20, '0') as key",
        granted="true",
        key="lpad({t}.id::text, 20, '0')",
        orders={"NEWEST": Order("{t}.at", time_text("{t}.at"), "timestamptz", descending=True)},
        default_order="NEWEST",
        datasets="select null::int from {page} where false",
        found_by=newest_ids,
    ),
}
# By trace, token or person: few records, found by themselves and not kind by kind.
_RECORDS = replace(
    LISTS["AccessRecord"],
    source="access_record {t} join access_kind {p} on {p}.id = {t}.kind",
    found_by=None,
)


def listed_of(type_name: str, arguments: Values) -> Listed:
    """How a type is listed with these arguments."""
    chosen = arguments.get("filter") or {}
    if type_name == "AccessRecord" and any(chosen.get(name) for name in OF_RECORDS):
        return _RECORDS
    return LISTS[type_name]
