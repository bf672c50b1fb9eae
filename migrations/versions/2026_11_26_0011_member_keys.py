"""Keys that members have named, with the evidence: what they signed can be checked after the keys were changed."""

from alembic import op

revision = "2026_11_26_0011"
down_revision = "2026_11_26_0010"
branch_labels = None
depends_on = None

TABLE = """
create table member_key (
    issuer text not null,
    kid text not null,
    jwk jsonb not null,
    named_from timestamptz not null,
    named_until timestamptz not null,
    token text not null,
    primary key (issuer, kid)
);
comment on column member_key.issuer is 'the node that named it';
comment on column member_key.jwk is 'public key';
comment on column member_key.named_from is 'iat of the first configuration with it';
comment on column member_key.named_until is 'iat of the last configuration with it';
comment on column member_key.token is 'that last configuration, a JWS: evidence';
"""


def upgrade() -> None:
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute(TABLE)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup instead")
