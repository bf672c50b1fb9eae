"""Announce what was stored, for those who follow observations live.

Numbers of transactions that run side by side do not commit in order. So arrivals are numbered last, under a lock that
is held until the commit. A number is a time in microseconds: it tells nobody how much arrives.
"""

from __future__ import annotations

from datetime import timedelta

import psycopg

from node.store.arrival_tables import ARRIVED, CHUNK

RECENT = timedelta(days=7)  # what was observed earlier is history when it arrives, and is not announced
_NAMED = 1_000  # datastreams in a notification, which has at most 8,000 bytes
_TABLE = (
    "create temp table if not exists announced (datastream_id int, phenomenon_time timestamptz) on commit delete rows"
)
_NUMBERED = f"""
with told as (
    delete from announced returning datastream_id, phenomenon_time
), chunk as (
    select datastream_id, array_agg(phenomenon_time order by phenomenon_time) as times
      from (select *, (row_number() over (partition by datastream_id order by phenomenon_time) - 1) / {CHUNK} as part
              from told group by datastream_id, phenomenon_time) numbered
     group by datastream_id, part
), base as (
    select greatest((extract(epoch from clock_timestamp()) * 1000000)::bigint,
                    (select coalesce(max(id), 0) from arrival), (select until from arrival_horizon)) as id
), numbered as (
    insert into arrival (id, datastream_id, times)
    select base.id + row_number() over (order by datastream_id, times[1]), datastream_id, times from chunk, base
    returning datastream_id
)
select pg_notify('{ARRIVED}', case when count(distinct datastream_id) > {_NAMED} then ''
                              else string_agg(distinct datastream_id::text, ',') end) from numbered having count(*) > 0
"""  # noqa: S608 - numbers and names of our own


def prepare(connection: psycopg.Connection) -> None:
    """Make the place where a transaction collects what it will announce."""
    connection.execute(_TABLE)


def announce(connection: psycopg.Connection) -> None:
    """Announce what the caller's transaction has collected. To be called last, by who holds `LOCK`."""
    if connection.execute("select exists (select from announced)").fetchone() == (True,):
        connection.execute(_NUMBERED)
