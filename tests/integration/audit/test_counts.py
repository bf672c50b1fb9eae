"""What anybody may ask of the log, month by month, is not counted anew for each of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from node.audit.tree import COUNTED_FOR_S, Tree
from node.store.pool import make_pool
from tests.assessed import TIERS_AS_TOLD
from tests.integration.audit.conftest import sequence
from tests.log import append


def published(connection, **tiers: str) -> None:
    connection.execute(TIERS_AS_TOLD)
    for key, tier in tiers.items():
        connection.execute(
            "insert into dataset (key, title, title_sort, tier, digest) values (%(key)s, %(key)s, %(key)s, %(tier)s, '')",
            {"key": key, "tier": tier},
        )


async def test_the_public_counts_are_kept_for_a_minute(connection, database_url):
    now = 0.0
    published(connection, rad="OPEN")
    append(connection, 2, role="OWNER", decision="PERMIT", datasets=("giessen:dataset:rad",))
    sequence(database_url)
    connection.execute("update access_month set month = month - interval '1 month'")
    async with make_pool(database_url, size=1, statement_ms=10_000) as pool:
        tree = Tree(pool, lambda: now)
        first = await tree.public_counts()
        before = datetime.now(UTC).replace(day=1) - timedelta(days=1)
        assert [row[:2] for row in first] == [(f"{before:%Y-%m}", "giessen:dataset:rad")]
        connection.execute("delete from access_month")
        assert await tree.public_counts() == first
        now = COUNTED_FOR_S
        assert await tree.public_counts() == []


async def test_strangers_hear_of_open_datasets_only(connection, database_url):
    tiers = {"rad": "OPEN", "kfz": "SHARED", "personal": "INTERNAL", "akten": "PROTECTED"}
    published(connection, **tiers)
    for key in (*tiers, "geloescht"):
        append(connection, role="OWNER", decision="PERMIT", datasets=(f"giessen:dataset:{key}",))
    sequence(database_url)
    connection.execute("update access_month set month = month - interval '1 month'")
    async with make_pool(database_url, size=1, statement_ms=10_000) as pool:
        assert [row[1] for row in await Tree(pool).public_counts()] == ["giessen:dataset:rad"]
