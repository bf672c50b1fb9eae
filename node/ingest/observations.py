"""Writes observations by COPY into the partitioned table, and keeps what is derived from them up to date."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

import psycopg

from node.ingest.arrivals import RECENT, announce, prepare
from node.store.arrival_tables import LOCK
from node.store.partitions import ensure_partitions

BATCH_ROWS = 50_000

Observation = tuple[int, datetime | str, datetime | str | None, float | None, str]
"""Datastream id, start, end (None = instant), result (None = none), quality. Times with offset, or ISO 8601 in UTC."""


@dataclass(frozen=True, slots=True)
class ObservationBatch:
    """Observations as COPY text. Within a transaction no (datastream, time) may come twice.

    `first` and `last` bound the start times (ISO 8601 in UTC), `years` are those that occur in them, `datastreams` the
    ids that occur.
    """

    rows: bytes
    count: int
    datastreams: frozenset[int]
    first: str
    last: str
    years: frozenset[int]


def write_batch(connection: psycopg.Connection, batch: ObservationBatch) -> int:
    """Write a batch in the caller's transaction; returns how many observations were new or changed.

    `finish_writing` has to be called before the transaction ends.

    Where the datastreams have nothing in the batch's span yet, the rows go straight into the table; else they are
    compared, and equal ones are not rewritten.
    """
    if batch.count == 0:
        return 0
    ensure_partitions(connection, batch.years)
    prepare(connection)
    if _is_new_ground(connection, batch):
        _copy(connection, "observation", batch.rows)
        connection.execute(
            "insert into announced select datastream_id, phenomenon_time from observation where datastream_id = any(%s)"
            " and phenomenon_time between greatest(%s::timestamptz, now() - %s) and %s::timestamptz",
            (sorted(batch.datastreams), batch.first, RECENT, batch.last),
        )
        return batch.count
    connection.execute("create temp table if not exists incoming (like observation) on commit drop")
    _copy(connection, "incoming", batch.rows)
    found = connection.execute(
        "with changed as (insert into observation select * from incoming"
        " on conflict (datastream_id, phenomenon_time) do update"
        " set phenomenon_end = excluded.phenomenon_end, result = excluded.result, quality = excluded.quality"
        " where (observation.phenomenon_end, observation.result, observation.quality)"
        " is distinct from (excluded.phenomenon_end, excluded.result, excluded.quality)"
        " returning datastream_id, phenomenon_time),"
        " told as (insert into announced select * from changed where phenomenon_time >= now() - %s)"
        " select count(*) from changed",
        (RECENT,),
    )
    changed = found.fetchone()
    connection.execute("truncate incoming")
    return 0 if changed is None else int(changed[0])


def write_observations(
    connection: psycopg.Connection, rows: Iterable[Observation], *, batch_rows: int = BATCH_ROWS
) -> int:
    """Write observations in the caller's transaction and refresh their datastreams.

    Returns how many were new or changed. No (datastream, time) may come twice within `rows`.
    """
    written = 0
    datastreams: set[int] = set()
    for batch in batches(rows, batch_rows):
        written += write_batch(connection, batch)
        datastreams |= batch.datastreams
    finish_writing(connection, datastreams)
    return written


def batches(rows: Iterable[Observation], batch_rows: int = BATCH_ROWS) -> Iterator[ObservationBatch]:
    """Cut observations into COPY batches."""
    remaining = iter(rows)
    while part := list(islice(remaining, batch_rows)):
        starts = [_time(row[1]) for row in part]
        lines = [
            f"{row[0]}\t{start}\t{_time(row[2])}\t{_NULL if row[3] is None else repr(float(row[3]))}\t{row[4]}\n"
            for row, start in zip(part, starts, strict=True)
        ]
        ids, years = frozenset(row[0] for row in part), years_of(starts)
        yield ObservationBatch("".join(lines).encode(), len(part), ids, min(starts), max(starts), years)


def years_of(starts: Iterable[str]) -> frozenset[int]:
    """The years of times in ISO 8601: one clock that was reset makes no partitions for the years between."""
    return frozenset(map(int, {start[:4] for start in starts}))


def finish_writing(connection: psycopg.Connection, datastreams: Iterable[int]) -> None:
    """End the writing of these datastreams: what is derived is brought up to date, what is new is announced.

    Both under a lock that is held until the commit: of two that write the same datastream at once, neither would see
    what the other has written, and the later commit would put an older observation for the latest.
    """
    identities = sorted(set(datastreams))
    if identities:
        connection.execute(LOCK)
        refresh_datastreams(connection, identities)
        announce(connection)


def refresh_datastreams(connection: psycopg.Connection, identities: Sequence[int]) -> None:
    """Bring the latest observation and the covered span of these datastreams up to date."""
    connection.execute(
        "insert into latest_observation (datastream_id, phenomenon_time, phenomenon_end, result, quality)"
        " select d.id, o.phenomenon_time, o.phenomenon_end, o.result, o.quality from unnest(%s::integer[]) d (id)"
        " cross join lateral (select * from observation where datastream_id = d.id"
        " order by phenomenon_time desc limit 1) o"
        " on conflict (datastream_id) do update set phenomenon_time = excluded.phenomenon_time,"
        " phenomenon_end = excluded.phenomenon_end, result = excluded.result, quality = excluded.quality"
        " where latest_observation is distinct from excluded",
        (identities,),
    )
    connection.execute(
        "update datastream d set phenomenon_start = span.first, phenomenon_end = span.last"
        " from (select e.id, o.phenomenon_time as first, coalesce(l.phenomenon_end, l.phenomenon_time) as last"
        " from unnest(%s::integer[]) e (id) join latest_observation l on l.datastream_id = e.id"
        " cross join lateral (select phenomenon_time from observation where datastream_id = e.id"
        " order by phenomenon_time limit 1) o) span"
        " where d.id = span.id"
        " and (d.phenomenon_start, d.phenomenon_end) is distinct from (span.first, span.last)",
        (identities,),
    )


_NULL = "\\N"


def _time(value: datetime | str | None) -> str:
    if value is None:
        return _NULL
    return value if isinstance(value, str) else value.isoformat()


def _is_new_ground(connection: psycopg.Connection, batch: ObservationBatch) -> bool:
    found = connection.execute(
        "select exists (select from unnest(%s::integer[]) d (id) where exists (select from observation"
        " where datastream_id = d.id and phenomenon_time between %s::timestamptz and %s::timestamptz))",
        (sorted(batch.datastreams), batch.first, batch.last),
    ).fetchone()
    return found == (False,)


def _copy(connection: psycopg.Connection, table: str, rows: bytes) -> None:
    statement = psycopg.sql.SQL(
        "copy {} (datastream_id, phenomenon_time, phenomenon_end, result, quality) from stdin"
    ).format(psycopg.sql.Identifier(table))
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(rows)
