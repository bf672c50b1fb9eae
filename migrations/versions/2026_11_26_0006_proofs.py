"""Tokens bound to keys: proofs that were used, what was revoked, a secret for nonces, people who sign in."""

from alembic import op

revision = "2026_11_26_0006"
down_revision = "2026_11_23_0005"
branch_labels = None
depends_on = None

TABLES = """
create table used_proof (
    digest bytea primary key,
    expires_at timestamptz not null
);
comment on column used_proof.digest is 'SHA-256 of key and jti of a DPoP proof';

create table revocation (
    subject text collate "C" primary key,
    issued_before timestamptz not null,
    revoked_at timestamptz not null default now()
);
comment on column revocation.subject is 'token:JTI, client:ID, or application:CITY/ID of another city';
comment on column revocation.issued_before is 'ends tokens issued before';

create table node_secret (
    name text primary key,
    value bytea not null
);
comment on column node_secret.value is 'shared by replicas, made by the node itself';

create table sign_in (
    handle bytea primary key,
    content jsonb not null,
    expires_at timestamptz not null
);
comment on column sign_in.handle is 'SHA-256 of a state or code, which counts once';

alter table access_record add column receipt text;
comment on column access_record.receipt is 'what the other city signed about its answer';

alter table application add column redirect_uris text[] not null default '{}';
"""


def upgrade() -> None:
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute(TABLES)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup instead")
