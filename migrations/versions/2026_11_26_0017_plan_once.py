"""What is named but out of reach is found by a plan that is made once: made each time it cost more than a small page."""

from alembic import op

revision = "2026_11_26_0017"
down_revision = "2026_11_26_0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute(
        "alter function datasets_beyond(text, text[], integer[]) set plan_cache_mode = force_generic_plan"
    )


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup instead")
