"""The peers' database: two plain tables, as small and as well indexed as one would make them for these queries."""

from __future__ import annotations

import psycopg

from tests.bench.read.scale import Scale, rows_sql
from tests.bench.read.verbund_rows import UNIT, name_of, vehicle_class_of

TABLES = """
create table datastream (
  id integer primary key,
  name text not null,
  description text not null,
  unit text not null,
  vehicle_class text
);
create table observation (
  datastream_id integer not null,
  phenomenon_time timestamptz not null,
  phenomenon_end timestamptz,
  result double precision,
  quality text not null
);
"""
KEYS = """
alter table observation add primary key (datastream_id, phenomenon_time);
alter table observation add foreign key (datastream_id) references datastream;
"""


def fill_peers(url: str, scale: Scale, seed: int = 0) -> None:
    """Make the tables and fill them as `fill_verbund` does; the keys come last, which is quicker."""
    with psycopg.connect(url, autocommit=True, options="-c synchronous_commit=off -c TimeZone=UTC") as connection:
        connection.execute(TABLES.encode())
        for number in range(1, scale.datastreams + 1):
            connection.execute(
                "insert into datastream values (%s, %s, 'Synthetisch', %s, %s)",
                (number, name_of(number), UNIT, vehicle_class_of(number)),
            )
            connection.execute(
                f"insert into observation select %(datastream)s, made.* from ({rows_sql(scale)}) made".encode(),
                {"datastream": number, "number": seed + number},
            )
        connection.execute(KEYS.encode())
