"""What obligations cost when data is read: the same questions as they are, and under a minimum count and hours."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

import psycopg

from node.store.embedded import embedded_postgres
from node.store.engine import make_engine
from node.store.limits import PageLimits
from node.store.migrate import migrate
from node.store.parameters import Scope
from node.store.reader import Reader
from node.store.reading_role import ENTER
from node.store.row_grant import Series, row_grant
from node.store.sessions import Sessions
from policy.obligations import NONE, UNLIMITED, read_obligations
from schema.selection import Field
from tests.unit.schema.test_selection import tree

STATIONS, DAYS, TIMES = 20, 90, 15
COUNT = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_CountObservation"
SEED = f"""
insert into dataset (key, title, title_sort, digest) values ('rad', 'Rad', 'rad', '');
insert into sensor (key, name) values ('s', 'Schleife');
insert into observed_property (key, name, definition) values ('traffic-count', 'Anzahl', 'https://x.example/count');
insert into thing (key, name) select 't' || i, 'Stelle ' || i from generate_series(1, {STATIONS}) i;
insert into datastream (key, dataset_id, thing_id, sensor_id, observed_property_id, name, observation_type, unit,
                        vehicle_class, direction, interval_seconds)
select t.key || coalesce(d, ''), 1, t.id, 1, 1, t.key, '{COUNT}', '1', 'BICYCLE', d, 900
  from thing t cross join (values (null), ('ein'), ('aus')) v (d) order by t.id, d nulls first;
create table observation_y2026 partition of observation for values from ('2026-01-01Z') to ('2027-01-01Z');
insert into observation
select s.id, t, t + interval '15 min', (random() ^ 2 * case when s.direction is null then 40 else 20 end)::int, 'RAW'
  from datastream s cross join
       generate_series('2026-01-01Z'::timestamptz, '2026-01-01Z'::timestamptz + interval '{DAYS} days' - interval '1 s',
                       interval '15 min') t;
insert into latest_observation select distinct on (datastream_id) * from observation
 order by datastream_id, phenomenon_time desc;
"""
WEEK = 'during: {start: "2026-02-01T00:00:00Z", end: "2026-02-08T00:00:00Z"}'
MONTH = 'during: {start: "2026-02-01T00:00:00Z", end: "2026-03-03T00:00:00Z"}'
QUESTIONS = {
    "rows of a week, one datastream": (
        f'{{ observations(filter: {{datastreams: ["giessen:datastream:t1"]}}, {WEEK}, first: 1000)'
        " { nodes { phenomenonTime result } } }"
    ),
    "the first 100 rows of a week, 60 datastreams": (
        f"{{ observations(filter: {{}}, {WEEK}, first: 100) {{ nodes {{ phenomenonTime result }} }} }}"
    ),
    "series of a month in hours, a station": (
        f'{{ series(datastreams: ["giessen:datastream:t1", "giessen:datastream:t1ein", "giessen:datastream:t1aus"],'
        f' {MONTH}, every: "PT1H") {{ series {{ times values }} }} }}'
    ),
    "sums of a month by day and station": (
        f'{{ aggregate(filter: {{}}, {MONTH}, every: "P1D", groupBy: [THING], timeZone: "UTC")'
        " { groups { buckets { start sum count } } } }"
    ),
    "latest values of 60 datastreams": "{ datastreams(first: 100) { nodes { id latest { phenomenonTime result } } } }",
}
TERMS = ("", "time=PT1H", "minimum-count=5", "minimum-count=5 time=PT1H")


def main() -> None:
    """Print medians (ms), and how many times the question without obligations they are."""
    with tempfile.TemporaryDirectory(prefix="vb-") as folder, embedded_postgres(Path(folder) / "pg") as url:
        engine = make_engine(url)
        migrate(engine)
        engine.dispose()
        with psycopg.connect(url) as connection:
            connection.execute(SEED)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("vacuum analyze")
            series = [Series(*row) for row in connection.execute("select id, dataset_id, thing_id from datastream")]
        asyncio.run(_measure(url, series))


async def _measure(url: str, series: list[Series]) -> None:
    rows = STATIONS * 3 * DAYS * 96
    print(f"{rows:,} observations of {STATIONS} stations with a total and two directions; medians of {TIMES}")
    print(f"  {'':<46}" + "".join(f"{terms or 'as it is':>28}" for terms in TERMS))
    async with Sessions(url, size=2, statement_ms=60_000, name="bench", on_open=[ENTER]) as sessions:
        reader = Reader(sessions, "giessen", PageLimits())
        for name, document in QUESTIONS.items():
            field = await tree(document)
            took = [await _timed(reader, field, _scope(terms, series)) for terms in TERMS]
            told = "".join(f"{ms:>16.2f} ms ({ms / took[0]:>5.1f}×)" for ms in took)
            print(f"  {name:<46}{told}")


def _scope(terms: str, series: list[Series]) -> Scope:
    told = read_obligations(terms.split())
    obliged = {1: told} if told != NONE else {}
    return Scope((1,), (1,), row_grant([1], [1], series, obliged, {1: 3_600}), {1: "rad"}, UNLIMITED)


async def _timed(reader: Reader, field: Field, scope: Scope) -> float:
    async def once() -> float:
        began = time.perf_counter()
        if field.type_name.endswith("Connection"):
            await reader.page(field, scope, None)
        else:
            await reader.parts(field, scope)
        return (time.perf_counter() - began) * 1000

    await once()
    return statistics.median([await once() for _ in range(TIMES)])


if __name__ == "__main__":
    main()
