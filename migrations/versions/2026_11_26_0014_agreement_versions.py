"""Versions of an agreement stand beside each other: the one in force, and the one that will take its place."""

from alembic import op

revision = "2026_11_26_0014"
down_revision = "2026_11_26_0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "alter table agreement drop constraint pk_agreement, add constraint pk_agreement primary key (id, version)"
    )


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup instead")
