"""The order in which observations arrive. See ADR 0063.

What commits later has a larger id: ids are given under a lock that is held until the commit (`node.ingest.arrivals`).
So whoever has read up to an id has missed nothing before it.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from node.store.columns import METADATA

CHUNK = 500  # observations in an arrival, which is of one datastream
ARRIVED = "verbund_arrival"  # notification with the ids of the datastreams; empty for any
CHANGED = "verbund_changed"  # notification that somebody may see more or less than before
LOCK = "select pg_advisory_xact_lock(hashtext('verbund.arrival'))"

arrival = sa.Table(
    "arrival",
    METADATA,
    sa.Column(
        "id",
        sa.BigInteger,
        primary_key=True,
        autoincrement=False,
        comment="microseconds since 1970 when it was given, or one more than the last; commits in this order",
    ),
    sa.Column("datastream_id", sa.Integer, nullable=False),
    sa.Column(
        "times",
        pg.ARRAY(sa.DateTime(timezone=True)),
        nullable=False,
        comment="phenomenon times of new and changed observations",
    ),
    sa.Index("ix_arrival_datastream_id_id", "datastream_id", "id"),
)

arrival_horizon = sa.Table(
    "arrival_horizon",
    METADATA,
    sa.Column("single", sa.Boolean, sa.CheckConstraint("single", name="one_row"), primary_key=True),
    sa.Column("until", sa.BigInteger, nullable=False, comment="arrivals up to this id are forgotten"),
)
