"""A city's summary is of what may leave it by now."""

from __future__ import annotations

from datetime import UTC, datetime

import psycopg

from federation.membership import Membership
from node.gate import Decisions
from node.store.pool import make_pool
from node.store.summary import read_summary
from policy.model import Tier
from policy.rules import RuleSet
from tests.assessed import TIERS_AS_TOLD, set_tier

SEED = f"""{TIERS_AS_TOLD}
insert into dataset (key, title, title_sort, tier, digest) values ('rad', 'R', 'r', 'OPEN', '');
insert into thing (key, name, longitude, latitude) values ('a', 'A', 8.7, 50.5);
insert into sensor (key, name) values ('s', 'S');
insert into observed_property (key, name, definition) values ('p', 'P', 'https://x.example/p');
insert into datastream (key, dataset_id, thing_id, sensor_id, observed_property_id, name, observation_type, unit)
values ('d', 1, 1, 1, 1, 'D', 'count', '1');
"""


async def test_obligations_count_from_when_they_are_signed_off(database_url):
    """Nobody has asked for anything since, as at a worker that is idle: places are moved for whoever asks next."""
    with psycopg.connect(database_url) as connection:
        connection.execute(SEED)
    now, rules = datetime.now(UTC), RuleSet.load()
    membership = Membership((), now, now, "list")
    async with make_pool(database_url, size=1, statement_ms=5_000) as pool:
        decisions = Decisions(pool, "giessen", lambda: rules, lambda: membership)
        exact = await read_summary(pool, await decisions.terms())
        set_tier(database_url, "rad", Tier.OPEN, ("place=5000",))
        moved = await read_summary(pool, await decisions.terms())
    assert exact.box == (8.7, 50.5, 8.7, 50.5)
    assert moved.box is not None
    assert moved.box[0] < 8.7 - 0.04 < 8.7 + 0.04 < moved.box[2]
