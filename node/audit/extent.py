"""Which records a proof bundle has: those that match, and those that show that nothing else does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg.sql import SQL, Composed, Literal

from node.audit.erase import ERASING, FORGETTING
from node.audit.grammar import Filter
from node.audit.positions import read_ranges
from node.audit.search import conditions
from node.audit.stored import StoredKind, read_kinds

Connection = psycopg.Connection[Any]


class BundleError(Exception):
    """The bundle can't be made; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Extent:
    """The condition on `r` that chooses records within the tree; `others` (ids) of them do not match, and are proof.

    `first` and `last`: positions; in a complete bundle those of the nearest records beside the period that are kept.
    `records` match, `later` ones do as well and lie beyond the tree.
    """

    complete: bool
    chosen: Composed
    others: frozenset[int]
    kinds: Mapping[UUID, StoredKind]
    first: int
    last: int
    records: int
    later: int


def extent_of(connection: Connection, wanted: Filter, size: int) -> Extent:
    """What a bundle of a filter has of a tree of `size` leaves.

    Raises:
        BundleError: an act that erased something of it is not in the tree yet.
    """
    inside = "select record_id + %s - position from log_run where position < %s order by position desc limit 1"
    edge = _value(connection, inside, size - 1, size)  # the tree's last record
    matching = SQL("({record} and exists (select from access_kind k where k.id = r.kind and {kind}))").format(
        **conditions(wanted)
    )
    [(count, later, low, high)] = connection.execute(
        SQL(
            "select count(*) filter (where r.id <= {edge}), count(*) filter (where r.id > {edge}),"
            " min(r.id) filter (where r.id <= {edge}), max(r.id) filter (where r.id <= {edge})"
            " from access_record r where {matching}"
        ).format(edge=Literal(edge), matching=matching),
    )
    chosen, span = matching, (low, high) if count else None
    if wanted.is_period:
        span = _around(connection, wanted, span, edge)
        chosen = SQL("false").format() if span is None else SQL("r.id between {} and {}").format(*map(Literal, span))
    first, last = (0, -1) if span is None else (_position(connection, id_) for id_ in span)
    kinds = read_kinds(connection)
    acts = _acts(connection, kinds, {ERASING, FORGETTING} if wanted.is_period else {FORGETTING}, first, last)
    if any(id_ > edge for id_ in acts):
        raise BundleError(
            "some of it was erased just now, and no head that has this is cosigned: try again in a minute"
        )
    chosen = SQL("r.id <= {} and ({} or r.id = any({}::bigint[]))").format(Literal(edge), chosen, Literal(acts))
    query = SQL("select r.id from access_record r where {} and not coalesce({}, false)").format(chosen, matching)
    others = frozenset(id_ for (id_,) in connection.execute(query))
    return Extent(wanted.is_period, chosen, others, kinds, first, last, count, later)


def _around(connection: Connection, wanted: Filter, span: tuple[int, int] | None, edge: int) -> tuple[int, int] | None:
    """The ids of the first and last record of a period (`span`), widened to those beside it that are kept.

    Behind the last one that is kept everything up to the tree's last record belongs to it: that is erased.
    """
    if span is None:  # nothing is of the period: it lies between the last record that is older and the next one
        query = "select max(id) from access_record where at < %s and id <= %s"
        before = low = high = _value(connection, query, wanted.after, edge)
    else:
        low, high = span
        query = "select max(id) from access_record where id < %s and at < %s"
        before = _value(connection, query, low, wanted.after)
    query = "select min(id) from access_record where id > %s and id <= %s and at >= %s"
    behind = _value(connection, query, high or 0, edge, wanted.before)
    earliest = next((id_ for id_ in (before, low, behind) if id_ is not None), None)
    return None if earliest is None else (earliest, edge if behind is None else behind)


def _acts(
    connection: Connection, kinds: Mapping[UUID, StoredKind], wanted: set[str], first: int, last: int
) -> list[int]:
    """The records of acts that erased something between these positions."""
    found = [
        id_
        for id_, kind in kinds.items()
        if kind.positions
        and kind.action in wanted
        and any(start <= last and end >= first for start, end in read_ranges(kind.positions))
    ]
    rows = connection.execute("select id from access_record where kind = any(%s)", (found,)).fetchall()
    return [id_ for (id_,) in rows]


def _position(connection: Connection, id_: int) -> int:
    query = "select position + %s - record_id from log_run where record_id <= %s order by record_id desc limit 1"
    return int(_value(connection, query, id_, id_))


def _value(connection: Connection, query: str, *parameters: object) -> Any:
    row = connection.execute(query, parameters).fetchone()
    return None if row is None else row[0]
