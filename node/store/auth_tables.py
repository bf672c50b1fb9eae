"""The tables of the authorization server: applications, what was used up or revoked, who signs in, who is trusted."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from node.store.columns import METADATA
from node.store.columns import texts_column as _texts
from node.store.columns import time_column as _time

application = sa.Table(
    "application",
    METADATA,
    sa.Column("id", sa.Text(collation="C"), primary_key=True, comment="client_id"),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("jwks", pg.JSONB, nullable=False, comment="public keys only"),
    sa.Column("scopes", pg.ARRAY(sa.Text), nullable=False),
    sa.Column("purposes", pg.ARRAY(sa.Text), nullable=False),
    _texts("redirect_uris"),
    sa.Column("status", sa.Text, nullable=False, server_default="ACTIVE"),
    _time("created_at", nullable=False, default=True),
    sa.CheckConstraint("status in ('ACTIVE', 'SUSPENDED')", name="status"),
)

used_token_id = sa.Table(
    "used_token_id",
    METADATA,
    sa.Column("issuer", sa.Text, primary_key=True),
    sa.Column("token_id", sa.Text, primary_key=True, comment="jti of a single-use JWT"),
    sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False, index=True),
)

used_proof = sa.Table(
    "used_proof",
    METADATA,
    sa.Column("digest", sa.LargeBinary, primary_key=True, comment="SHA-256 of key and jti of a DPoP proof"),
    sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
)

revocation = sa.Table(
    "revocation",
    METADATA,
    sa.Column(
        "subject",
        sa.Text(collation="C"),
        primary_key=True,
        comment="token:JTI, client:ID, or application:CITY/ID of another city",
    ),
    sa.Column("issued_before", sa.DateTime(timezone=True), nullable=False, comment="ends tokens issued before"),
    _time("revoked_at", nullable=False, default=True),
)

node_secret = sa.Table(
    "node_secret",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.LargeBinary, nullable=False, comment="shared by replicas, made by the node itself"),
)

trust_statement = sa.Table(
    "trust_statement",
    METADATA,
    sa.Column("entity", sa.Text, primary_key=True, comment="URL of the anchor or node"),
    sa.Column("token", sa.Text, nullable=False, comment="its entity configuration, a JWS"),
    sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("pin", sa.Text, comment="digest of the keys by which an anchor was believed"),
    sa.Column("document", sa.LargeBinary, comment="all statements of an anchor about members"),
)

member_key = sa.Table(
    "member_key",
    METADATA,
    sa.Column("issuer", sa.Text, primary_key=True, comment="the node that named it"),
    sa.Column("kid", sa.Text, primary_key=True),
    sa.Column("jwk", pg.JSONB, nullable=False, comment="public key"),
    sa.Column(
        "named_from", sa.DateTime(timezone=True), nullable=False, comment="iat of the first configuration with it"
    ),
    sa.Column(
        "named_until", sa.DateTime(timezone=True), nullable=False, comment="iat of the last configuration with it"
    ),
    sa.Column("token", sa.Text, nullable=False, comment="that last configuration, a JWS: evidence"),
)

sign_in = sa.Table(
    "sign_in",
    METADATA,
    sa.Column("handle", sa.LargeBinary, primary_key=True, comment="SHA-256 of a state or code, which counts once"),
    sa.Column("content", pg.JSONB, nullable=False),
    sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
)
