"""Whether this version of the software can serve the database as it is."""

from __future__ import annotations

from node.store.pool import Pool
from node.store.reading_role import ENTER
from node.store.revisions import usable_schema


class Unfit(Exception):
    """The schema is older than this version needs."""


async def check_fitness(pool: Pool) -> None:
    """Look at the schema, and take on the reading role for a moment.

    Raises:
        Unfit, psycopg.Error, psycopg_pool.PoolTimeout.
    """
    async with pool.connection() as connection, connection.transaction(force_rollback=True):
        row = await (await connection.execute("select version_num from alembic_version")).fetchone()
        if row is None or not usable_schema(row[0]):
            raise Unfit("the schema is not current: run `verbund migrate`")
        await connection.execute(ENTER)
