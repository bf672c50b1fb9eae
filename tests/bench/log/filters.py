"""Filtered queries on ten million records, made with SQL (their leaves are not real: filters do not look at them)."""

from __future__ import annotations

import math
import time
from pathlib import Path
from statistics import median

import psycopg

from node.audit.grammar import read_filter
from node.audit.search import list_records
from node.audit.totals import totals
from node.store.embedded import embedded_postgres
from node.store.engine import make_engine
from node.store.migrate import migrate

KINDS = 20_000  # 200 ways of asking, under each of the 100 versions of the rules that there have been
FILL = """
insert into access_kind (id, role, counterpart, caller_city, application, purpose, action, field, operation, datasets,
                         decision, rules, policy_version, state)
select md5(i::text)::uuid, case when i %% 3 = 0 then 'CONSUMER' else 'OWNER' end, 'city' || i %% 40, 'city' || i %% 40,
       'app' || i %% 150, (array['traffic-planning', 'research', 'statistics', 'operations'])[1 + i %% 4],
       'peer:dataset:read', (array['datasets', 'observations', 'aggregate'])[1 + i %% 3], sha256(('op' || i %% 500)::bytea),
       array['giessen:dataset:d' || i %% 300, 'giessen:dataset:d' || (i * 7) %% 300],
       case when i %% 97 = 0 then 'DENY' else 'PERMIT' end, '{open-tier}', 'v-1', 'OK'
  from generate_series(1, %(kinds)s) i;
insert into access_record (at, kind, rows, bytes, took_us, trace_id, salt, token_id, subject, leaf)
select timestamptz '2025-01-01Z' + i * interval '5 s', md5((1 + i * 99 / %(records)s * 200 + (power(random(), 3) * 199)::int)::text)::uuid,
       10, 1000, 900, md5(i::text), sha256(i::text::bytea), md5('token' || i / 20), md5('person' || i %% 1000000), sha256(i::text::bytea)
  from generate_series(1, %(records)s) i;
insert into access_day select (at at time zone 'UTC')::date, kind, count(*), sum(rows), sum(bytes) from access_record group by 1, 2;
insert into access_month select date_trunc('month', day)::date, kind, sum(requests), sum(rows), sum(bytes) from access_day group by 1, 2;
"""
QUERIES = (
    "",
    "city:city7",
    "decision:deny",
    "decision:deny purpose:research",
    "decision:deny purpose:research city:city11 role:owner",
    "application:app149 decision:deny",
    "dataset:giessen:dataset:d17",
    "-decision:permit after:2025-06-01 before:2025-06-08",
    "after:2025-03-01 before:2025-03-02",
    "city:nowhere",
    "trace:{trace}",
    "token:{token}",
    "subject:{subject}",
    "subject:{subject} decision:deny",
)
STATS = (
    (["city"], ""),
    (["month", "purpose"], ""),
    (["dataset"], ""),
    (["dataset"], "city:city7 after:2025-02-10 before:2025-08-20"),
    (["day"], "after:2025-03-01 before:2025-06-01"),
)


def main(folder: Path, records: int) -> None:
    """Print milliseconds, warm, the median of five."""
    with embedded_postgres(folder / "pg") as url:
        engine = make_engine(url)
        migrate(engine)
        engine.dispose()
        with psycopg.connect(url, autocommit=True, options="-c TimeZone=UTC") as connection:
            began = time.perf_counter()
            connection.execute("set synchronous_commit = off")
            for statement in FILL.split(";\n"):
                if statement.strip():
                    connection.execute(statement, {"kinds": KINDS, "records": records})
            for name in ("trace_id", "token_id", "subject"):  # as autovacuum does in time
                connection.execute(f"select brin_summarize_new_values('ix_access_record_{name}')")
            connection.execute("vacuum analyze access_record, access_kind, access_day, access_month")
            print(f"made {records} records in {time.perf_counter() - began:.0f} s", flush=True)
            names = ("trace", "token", "subject")
            values = connection.execute(
                "select md5(%(i)s::text), md5('token' || %(i)s / 20), md5('person' || %(i)s %% 1000000)",
                {"i": records // 3},
            ).fetchone()
            known = dict(zip(names, values, strict=True))
            for query in QUERIES:
                took = _ms(connection, list_records, read_filter(query.format(**known)), 50)
                print(f"{took}  list {query or '(all)'}", flush=True)
            for by, query in STATS:
                took = _ms(connection, totals, read_filter(query), by)
                print(f"{took}  stats by {', '.join(by)} {query or '(all)'}", flush=True)


def _ms(connection, work, *arguments) -> str:
    """Medians: how long it takes, and how long PostgreSQL's process works, which other work on the machine leaves alone."""
    taken = []
    for _ in range(6):
        began, used = time.perf_counter(), _used_s(connection)
        list(work(connection, *arguments))
        taken.append((time.perf_counter() - began, _used_s(connection) - used))
    took, used = (median(column) * 1000 for column in zip(*taken[1:], strict=True))
    return f"{took:8.1f} ms ({used:6.1f} ms of processor time)"


def _used_s(connection) -> float:
    """Processor time of the connection's server process, where Linux tells it to the nanosecond."""
    try:
        return int(Path(f"/proc/{connection.info.backend_pid}/schedstat").read_text().split()[0]) / 1e9
    except (OSError, ValueError):
        return math.nan
