"""The tables of the access log and of its tree. See docs/access-log.md."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from node.store.columns import EMPTY_ARRAY, METADATA, own_id, texts_column, time_column

operation = sa.Table(
    "operation",
    METADATA,
    sa.Column("digest", sa.LargeBinary, primary_key=True, comment="SHA-256 of the document"),
    sa.Column("document", sa.Text, nullable=False),
)

access_kind = sa.Table(
    "access_kind",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True, comment="first 16 bytes of the SHA-256 of its canonical bytes"),
    sa.Column(
        "role", sa.Text, nullable=False, comment="OWNER: this city's data was asked for; CONSUMER: this city asked"
    ),
    sa.Column("counterpart", sa.Text, comment="the other city, if one is involved"),
    sa.Column("caller_city", sa.Text),
    sa.Column("application", sa.Text),
    sa.Column("purpose", sa.Text),
    sa.Column("legal_basis", sa.Text),
    sa.Column("action", sa.Text, nullable=False, comment="caller:subject:action, e.g. peer:dataset:read"),
    sa.Column("field", sa.Text, nullable=False, comment="root field of the query"),
    sa.Column("operation", sa.LargeBinary, nullable=False, comment="SHA-256 of the normalised document"),
    sa.Column(
        "fields", pg.ARRAY(sa.Text), nullable=False, server_default=EMPTY_ARRAY, comment="paths of the selected fields"
    ),
    texts_column("datasets"),
    sa.Column("decision", sa.Text, nullable=False),
    texts_column("rules"),
    sa.Column("policy_version", sa.Text, nullable=False),
    texts_column("obligations"),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("positions", sa.Text, comment="of the records that an operator erased, e.g. 5-9,12-12"),
    sa.CheckConstraint("decision in ('PERMIT', 'DENY', 'NONE')", name="decision"),
    sa.CheckConstraint("role in ('OWNER', 'CONSUMER')", name="role"),
)

access_record = sa.Table(
    "access_record",
    METADATA,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    time_column("at", nullable=False),
    sa.Column("kind", sa.Uuid, nullable=False),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("bytes", sa.Integer, nullable=False),
    sa.Column("took_us", sa.Integer, nullable=False),
    sa.Column("trace_id", sa.Text, nullable=False),
    sa.Column("request_digest", sa.LargeBinary, comment="SHA-256 of the body that one city sent to the other"),
    sa.Column("response_digest", sa.LargeBinary, comment="SHA-256 of the root field's value in the owner's answer"),
    sa.Column("receipt", sa.Text, comment="what the other city signed about its answer"),
    sa.Column("salt", sa.LargeBinary, comment="of the personal parts; null once they are erased"),
    sa.Column("subject", sa.Text),
    sa.Column("token_id", sa.Text),
    sa.Column("personal", sa.LargeBinary, comment="the salted hash of the personal parts, once they are erased"),
    sa.Column("leaf", sa.LargeBinary, nullable=False, comment="hash of the leaf, RFC 9162 2.1.1"),
    sa.Index("ix_access_record_kind_at", "kind", "at"),
    sa.Index("ix_access_record_at", "at"),
    *(
        sa.Index(
            f"ix_access_record_{name}",
            name,
            postgresql_using="brin",
            postgresql_ops={name: "text_bloom_ops"},
            postgresql_with={"pages_per_range": 32, "autosummarize": "on"},
        )
        for name in ("trace_id", "token_id", "subject")  # read through the functions records_of_…
    ),
)

log_run = sa.Table(
    "log_run",
    METADATA,
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("record_id", sa.BigInteger, nullable=False, unique=True),
    sa.Column("length", sa.Integer, nullable=False),
    sa.CheckConstraint("length > 0", name="length"),
    comment="records record_id to record_id + length - 1 are the leaves from position on",
)

log_tile = sa.Table(
    "log_tile",
    METADATA,
    sa.Column("level", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("index", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("hashes", sa.LargeBinary, nullable=False),
    sa.CheckConstraint("length(hashes) between 32 and 8192 and length(hashes) % 32 = 0", name="length"),
    comment="up to 256 hashes each, as in C2SP tlog-tiles",
)

log_checkpoint = sa.Table(
    "log_checkpoint",
    METADATA,
    sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
    time_column("at", nullable=False),
    sa.Column("root", sa.LargeBinary, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("cosigned_at", sa.DateTime(timezone=True), comment="when a quorum of witnesses had last cosigned it"),
    sa.Column(
        "witness_keys",
        pg.JSONB,
        nullable=False,
        server_default=sa.text("'{}'"),
        comment="vkeys of all witnesses, by city",
    ),
    sa.Index("ix_log_checkpoint_cosigned", "size", postgresql_where=sa.text("cosigned_at is not null")),
    sa.Index("ix_log_checkpoint_not_cosigned", "at", postgresql_where=sa.text("cosigned_at is null")),
)

access_day = sa.Table(
    "access_day",
    METADATA,
    sa.Column("day", sa.Date, primary_key=True, comment="UTC"),
    sa.Column("kind", sa.Uuid, primary_key=True),
    sa.Column("requests", sa.BigInteger, nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
)

access_month = sa.Table(
    "access_month",
    METADATA,
    sa.Column("month", sa.Date, primary_key=True, comment="its first day, UTC"),
    sa.Column("kind", sa.Uuid, primary_key=True),
    sa.Column("requests", sa.BigInteger, nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
)

witnessed_log = sa.Table(
    "witnessed_log",
    METADATA,
    sa.Column("city", sa.Text, primary_key=True),
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("root", sa.LargeBinary, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("evidence", sa.Text),
    time_column("seen_at", nullable=False),
    comment="what this node as a witness knows of the other members' logs",
)

legal_hold = sa.Table(
    "legal_hold",
    METADATA,
    own_id(),
    sa.Column("matching", sa.Text, nullable=False, comment="filter of the records that must stay"),
    sa.Column("reason", sa.Text, nullable=False),
    time_column("set_at", nullable=False, default=True),
    time_column("released_at"),
)
