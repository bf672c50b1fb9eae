"""Alembic's entry: one transaction per migration, under an advisory lock, with time-outs.

The caller hands a connection in `config.attributes["connection"]`; this file opens none.
"""

from alembic import context
from sqlalchemy import text

from node.store.columns import METADATA
from node.store.migrate import LOCK_TIMEOUT_MS

STATEMENT_TIMEOUT_MS = 600_000
ADVISORY_LOCK = 0x56455242554E44  # "VERBUND"


def run() -> None:
    """Run the pending migrations on the connection of the caller."""
    connection = context.config.attributes["connection"]
    connection.execute(text("select pg_advisory_lock(:key)"), {"key": ADVISORY_LOCK})
    connection.execute(text(f"set lock_timeout = {LOCK_TIMEOUT_MS}"))
    connection.execute(text(f"set statement_timeout = {STATEMENT_TIMEOUT_MS}"))
    connection.commit()
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        transaction_per_migration=True,
        compare_type=True,
        compare_server_default=False,
        include_object=_ours,
    )
    try:
        with context.begin_transaction():
            context.run_migrations()
    finally:
        connection.execute(text("select pg_advisory_unlock(:key)"), {"key": ADVISORY_LOCK})
        connection.commit()


def _ours(_thing: object, name: str | None, kind: str, *_: object) -> bool:
    """Leave out the yearly partitions: importers make them."""
    return not (kind == "table" and name is not None and name.startswith("observation_y"))


run()
