"""What a summary of this city's data is made of (`federation.summary`). Not for callers: it goes by tiers alone."""

from __future__ import annotations

import msgspec
import psycopg
from psycopg_pool import PoolTimeout

from federation.summary import MAX_WORDS, TIERS, Summary, as_released
from node.store.pool import Pool
from policy.obligations import NONE, Obligations
from schema.errors import Unavailable

_LEAVING = f"tier::text in ({', '.join(repr(tier) for tier in TIERS)})"
_STREAMS = f"datastream s join dataset d on d.id = s.dataset_id and d.{_LEAVING}"


def _end(direction: str) -> str:
    """Start of the first or last observation: a look into the index for each datastream."""
    one = (
        "select o.phenomenon_time as at from observation o where o.datastream_id = s.id"
        f" order by o.phenomenon_time {direction} limit 1"
    )
    return f"(select {'min' if direction == 'asc' else 'max'}(at) from {_STREAMS} cross join lateral ({one}) o)"


_SUMMARY = f"""
select (select json_object_agg(tier, count) from
          (select tier::text, count(*) from dataset where {_LEAVING} group by tier) one),
       (select array_agg(distinct theme) from dataset cross join unnest(themes) theme where {_LEAVING}),
       (select array_agg(key) from observed_property p where exists
          (select from {_STREAMS} where s.observed_property_id = p.id)),
       (select array[min(longitude), min(latitude), max(longitude), max(latitude)]::float8[] from thing t
         where longitude is not null and exists (select from {_STREAMS} where s.thing_id = t.id)),
       {_end("asc")}, {_end("desc")}
"""


async def read_summary(pool: Pool, terms: Obligations = NONE) -> Summary:
    """The summary as of now, of data as it leaves under the strictest `terms` that anybody may come under.

    Raises:
        Unavailable: the database can't be reached.
    """
    try:
        async with pool.connection() as connection:
            row = await (await connection.execute(_SUMMARY.encode())).fetchone()
    except (psycopg.OperationalError, PoolTimeout) as error:
        raise Unavailable("the database can't be reached") from error
    assert row is not None
    tiers, themes, properties, box, first, last = row
    exact = Summary(
        tiers=msgspec.json.decode(tiers, type=dict[str, int]) if tiers else {},
        themes=_words(themes),
        properties=_words(properties),
        box=tuple(box) if box and box[0] is not None else None,
        observed=(first, last) if first is not None else None,
    )
    return as_released(exact, moved_m=terms.place_m, step_s=terms.step_s)


def _words(found: list[str] | None) -> list[str] | None:
    words = sorted(found or ())
    return words if len(words) <= MAX_WORDS and all(len(word) <= 200 for word in words) else None
