"""The access log's index of trace ids: one that does not slow down the log as it grows.

Trace ids are random. A B-tree has them written all over itself: with a million records, and after each checkpoint, a
record cost 6 kB of write-ahead log instead of 0.6 kB and three times the processor time. Bloom filters over stretches
of the log are made once for every 32 pages, take a 200th of its size, and are read through to find a trace.
"""

from alembic import op

revision = "2026_11_23_0005"
down_revision = "2026_11_23_0004"
branch_labels = None
depends_on = None

INDEX = """
drop index ix_access_record_trace_id;
create index ix_access_record_trace_id on access_record using brin (trace_id text_bloom_ops)
    with (pages_per_range = 32, autosummarize = on);
"""


def upgrade() -> None:
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute(INDEX)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup instead")
