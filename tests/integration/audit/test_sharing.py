"""Without witnesses agreements stop holding."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from federation.membership import Membership
from node.audit.state import LogStates
from node.gate import Decisions
from node.store.pool import make_pool
from policy.model import Action, Caller
from policy.rules import RuleSet
from tests.assessed import TIERS_AS_TOLD
from tests.integration.audit.conftest import sequence
from tests.log import append

SHARED = (
    TIERS_AS_TOLD
    + """
insert into dataset (key, title, title_sort, tier, digest) values ('kfz', 'K', 'k', 'SHARED', ''), ('rad', 'R', 'r', 'OPEN', '');
insert into agreement (id, member, datasets, purposes, valid_from, valid_until, accepted_at)
values ('a', 'fulda', '{kfz}', '{research}', now() - interval '1 day', now() + interval '1 day', now());
"""
)
CALLER = Caller("fulda", "app", "research", frozenset({"data:read"}), peer="fulda")


@pytest.fixture
async def pool(database_url):
    async with make_pool(database_url, size=2, statement_ms=5_000) as opened:
        yield opened


async def test_shared_data_does_not_leave_while_nobody_witnesses(connection, database_url, pool):
    connection.execute(SHARED)
    append(connection)
    sequence(database_url)
    states = LogStates(pool, "giessen", timedelta(hours=4))
    now = datetime.now(UTC)
    membership = Membership((), now, now, "list")
    rules = RuleSet.load()
    decisions = Decisions(pool, "giessen", lambda: rules, lambda: membership, shares=lambda: states.shares)

    async def within_reach() -> set[str]:
        return set((await decisions.ruling(CALLER, Action.READ_CATALOG)).grant.datasets.values())

    await states.refresh()
    assert await within_reach() == {"kfz", "rad"}
    connection.execute("update log_checkpoint set at = now() - interval '5 hours'")
    await states.refresh()
    assert not states.shares
    assert await within_reach() == {"rad"}, "the open tier goes on"
    connection.execute("update log_checkpoint set cosigned_at = now()")
    await states.refresh()
    assert await within_reach() == {"kfz", "rad"}
