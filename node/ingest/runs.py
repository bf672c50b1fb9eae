"""The records of imports: runs, finished files and the quarantine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import psycopg

from node.ingest.errors import BusyError
from node.ingest.report import Flaw, Report

_LOCK = "hashtext('verbund.ingest')"


@contextmanager
def ingest_connection(database_url: str) -> Iterator[psycopg.Connection]:
    """A connection for one import; commits are explicit (`connection.transaction()`), sessions speak UTC.

    Raises:
        BusyError: another import holds the database.
    """
    options = "-c TimeZone=UTC -c lock_timeout=60s"
    with psycopg.connect(
        database_url, autocommit=True, options=options, application_name="verbund-ingest", connect_timeout=10
    ) as connection:
        row = connection.execute(f"select pg_try_advisory_lock({_LOCK})").fetchone()
        if row != (True,):
            raise BusyError("Another import is running on this database: wait until it has finished, then try again.")
        yield connection
        connection.execute(f"select pg_advisory_unlock({_LOCK})")  # else with the session, which ends a moment later


def start_run(connection: psycopg.Connection, kind: str, source: str) -> Report:
    """Open a run's record and its report."""
    row = connection.execute(
        "insert into ingest_run (kind, source) values (%s, %s) returning id", (kind, source)
    ).fetchone()
    if row is None:
        raise RuntimeError("the database returned no id for the run")
    return Report(kind=kind, source=source, run_id=row[0])


def save_run(connection: psycopg.Connection, report: Report, *, finished: bool) -> None:
    """Bring the run's record up to date; an interrupted run keeps what was saved last and has no end."""
    connection.execute(
        "update ingest_run set read = %s, written = %s, unchanged = %s, quarantined = %s,"
        " finished_at = case when %s then clock_timestamp() end where id = %s",
        (report.read, report.written, report.unchanged, report.quarantined.total(), finished, report.run_id),
    )


def finished_files(connection: psycopg.Connection, kind: str, source: str) -> dict[str, bytes]:
    """Path to digest of the files of `source` that an earlier run has finished."""
    rows = connection.execute("select path, digest from ingest_file where kind = %s and source = %s", (kind, source))
    return {path: bytes(digest) for path, digest in rows}


def finish_file(connection: psycopg.Connection, report: Report, path: str, digest: bytes, rows: int) -> None:
    """Note in the file's own transaction that it is imported."""
    connection.execute(
        "insert into ingest_file (kind, path, source, digest, run_id, rows) values (%s, %s, %s, %s, %s, %s)"
        " on conflict (kind, path, source) do update set digest = excluded.digest, run_id = excluded.run_id,"
        " rows = excluded.rows, finished_at = clock_timestamp()",
        (report.kind, path, report.source, digest, report.run_id, rows),
    )


def forget_file(connection: psycopg.Connection, report: Report, path: str) -> None:
    """Note that a file could not be read: as it was before it is read again, since its flaws have to be found anew."""
    connection.execute(
        "delete from ingest_file where kind = %s and path = %s and source = %s", (report.kind, path, report.source)
    )


def quarantine(connection: psycopg.Connection, report: Report, flaws: Iterable[Flaw], *, within: str = "") -> None:
    """Store flaws and drop those that an earlier run found and this one did not.

    `within` bounds the dropping to one file's locations; empty means the whole source.
    """
    connection.execute(
        "delete from quarantine where source = %s and run_id <> %s and (location = %s or starts_with(location, %s))",
        (report.source, report.run_id, within, f"{within}:" if within else ""),
    )
    rows = [
        (report.run_id, report.source, flaw.location, flaw.field, flaw.value, flaw.reason, flaw.message)
        for flaw in _merged(flaws)
    ]
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into quarantine (run_id, source, location, field, value, reason, message)"
            " values (%s, %s, %s, %s, %s, %s, %s)"
            " on conflict (source, location, field, reason) do update"
            " set run_id = excluded.run_id, value = excluded.value, message = excluded.message",
            rows,
        )
    report.quarantined.update(row[5] for row in rows)


def _merged(flaws: Iterable[Flaw]) -> Iterable[Flaw]:
    """One entry per place, field and reason, with all the values that are wrong there in the same way."""
    merged: dict[tuple[str, str, str], Flaw] = {}
    for flaw in map(Flaw.bounded, flaws):
        place = (flaw.location, flaw.field, flaw.reason)
        earlier = merged.get(place)
        if earlier is not None:
            flaw = replace(flaw, value=f"{earlier.value} | {flaw.value}").bounded()  # noqa: PLW2901
        merged[place] = flaw
    return merged.values()


@dataclass(frozen=True, slots=True)
class QuarantineEntry:
    """One open flaw, as `verbund ingest quarantine list` shows it."""

    run: int
    kind: str
    source: str
    location: str
    field: str
    value: str
    reason: str
    message: str


def list_quarantine(
    connection: psycopg.Connection, *, run: int | None = None, reason: str | None = None, limit: int = 1000
) -> list[QuarantineEntry]:
    """Open flaws, newest run first; `reason` is a code or its first part (`time` finds `time.nonexistent`)."""
    rows = connection.execute(
        "select q.run_id, r.kind, q.source, q.location, q.field, q.value, q.reason, q.message"
        " from quarantine q join ingest_run r on r.id = q.run_id"
        " where (%(run)s::integer is null or q.run_id = %(run)s)"
        " and (%(reason)s::text is null or q.reason = %(reason)s or starts_with(q.reason, %(reason)s || '.'))"
        " order by q.run_id desc, q.id limit %(limit)s",
        {"run": run, "reason": reason, "limit": limit},
    )
    return [QuarantineEntry(*row) for row in rows]
