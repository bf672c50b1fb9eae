"""What anchors and nodes have said last, so that a restart forgets nothing and nobody can go back to what was before."""

from alembic import op

revision = "2026_11_26_0007"
down_revision = "2026_11_26_0006"
branch_labels = None
depends_on = None

TABLE = """
create table trust_statement (
    entity text primary key,
    token text not null,
    issued_at timestamptz not null,
    pin text,
    document bytea
);
comment on column trust_statement.entity is 'URL of the anchor or node';
comment on column trust_statement.token is 'its entity configuration, a JWS';
comment on column trust_statement.pin is 'digest of the keys by which an anchor was believed';
comment on column trust_statement.document is 'all statements of an anchor about members';
"""


def upgrade() -> None:
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute(TABLE)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup instead")
