"""Heads of the log keep the keys of the witnesses that cosigned them, so that proofs can be made without asking anybody."""

from alembic import op

revision = "2026_11_26_0009"
down_revision = "2026_11_26_0008"
branch_labels = None
depends_on = None

KEYS = """
alter table log_checkpoint add column witness_keys jsonb not null default '{}';
comment on column log_checkpoint.witness_keys is 'vkeys of all witnesses, by city';
"""


def upgrade() -> None:
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute(KEYS)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup instead")
