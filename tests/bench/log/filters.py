"""Filtered queries on ten million records, made with SQL (their leaves are not real: filters do not look at them)."""

from __future__ import annotations

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

KINDS = 2_000
FILL = """
insert into access_kind (id, role, counterpart, caller_city, application, purpose, action, field, operation, datasets,
                         decision, rules, policy_version, state)
select md5(i::text)::uuid, case when i %% 3 = 0 then 'CONSUMER' else 'OWNER' end, 'city' || i %% 40, 'city' || i %% 40,
       'app' || i %% 150, (array['traffic-planning', 'research', 'statistics', 'operations'])[1 + i %% 4],
       'peer:dataset:read', (array['datasets', 'observations', 'aggregate'])[1 + i %% 3], sha256(('op' || i %% 500)::bytea),
       array['giessen:dataset:d' || i %% 300, 'giessen:dataset:d' || (i * 7) %% 300],
       case when i %% 97 = 0 then 'DENY' else 'PERMIT' end, '{open-tier}', 'v-1', 'OK'
  from generate_series(1, %(kinds)s) i;
insert into access_record (at, kind, rows, bytes, took_us, trace_id, salt, token_id, leaf)
select timestamptz '2025-01-01Z' + i * interval '5 s', md5((1 + (power(random(), 3) * (%(kinds)s - 1))::int)::text)::uuid,
       10, 1000, 900, md5(i::text), '\\x00', 'token', '\\x00'
  from generate_series(1, %(records)s) i;
insert into access_day select (at at time zone 'UTC')::date, kind, count(*), sum(rows), sum(bytes) from access_record group by 1, 2;
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
            connection.execute("select brin_summarize_new_values('ix_access_record_trace_id')")
            connection.execute("vacuum analyze access_record, access_kind, access_day")
            print(f"made {records} records in {time.perf_counter() - began:.0f} s", flush=True)
            (trace,) = connection.execute("select md5(%s::text)", (records // 3,)).fetchone()
            for query in QUERIES:
                took = _ms(list_records, connection, read_filter(query.format(trace=trace)), 50)
                print(f"{took:8.1f} ms  list {query or '(all)'}", flush=True)
            for by in (["city"], ["month", "purpose"], ["dataset"]):
                print(f"{_ms(totals, connection, read_filter(''), by):8.1f} ms  stats by {', '.join(by)}", flush=True)


def _ms(work, *arguments) -> float:
    taken = []
    for _ in range(6):
        began = time.perf_counter()
        list(work(*arguments))
        taken.append((time.perf_counter() - began) * 1000)
    return median(taken[1:])
