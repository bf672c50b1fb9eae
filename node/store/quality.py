"""Quality scores of a dataset, as far as its observations tell them: each from 0 to 1, null if nothing can be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

DAYS = 30  # up to the last observation

_SCORES = f"""
with stream as (
  select s.id, s.interval_seconds as seconds, l.phenomenon_time as last
    from datastream s join latest_observation l on l.datastream_id = s.id where s.dataset_id = %(dataset)s
), counted as (
  select stream.id, stream.seconds, stream.last, count(o.result) as valid,
         count(o.result) filter (where o.quality in ('RAW', 'CHECKED')) as plausible
    from stream left join observation o on o.datastream_id = stream.id and o.phenomenon_time <= stream.last
     and o.phenomenon_time > stream.last - interval '{DAYS} days'
   group by 1, 2, 3
)
select least(1, sum(valid) filter (where seconds > 0)
             / nullif(sum({DAYS} * 86400.0 / seconds) filter (where seconds > 0), 0))::float8,
       avg(case when extract(epoch from now() - last) <= 2 * greatest(seconds, 3600) then 1.0
                when extract(epoch from now() - last) <= 86400 * 7 then 0.5 else 0 end)::float8,
       (sum(plausible)::float8 / nullif(sum(valid), 0))
  from counted
"""


@dataclass(frozen=True, slots=True)
class Quality:
    """What observations tell of themselves.

    Completeness: valid values of those expected in the last 30 days of data. Timeliness: 1 for datastreams that are up
    to date, 0.5 within a week. Plausibility: share of valid values that are neither estimated nor suspect.
    """

    completeness: float | None
    timeliness: float | None
    plausibility: float | None


def quality_of(connection: psycopg.Connection[Any], dataset_id: int) -> Quality:
    """The scores as of now."""
    row = connection.execute(_SCORES, {"dataset": dataset_id}).fetchone()
    assert row is not None
    return Quality(*row)
