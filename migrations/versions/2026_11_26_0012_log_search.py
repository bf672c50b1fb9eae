"""Searching the log stays quick: filters of all values that single records have, and counts by month.

Each filter is a few bytes for every record and nothing while records are written, since a block of records gets its own
once the next one is begun. The planner takes such an index to be useless for values without an order and reads the
whole table instead, so the functions forbid it that.
"""

from alembic import op

revision = "2026_11_26_0012"
down_revision = "2026_11_26_0011"
branch_labels = None
depends_on = None

FILTERS = """
drop index ix_access_record_at;
create index ix_access_record_at on access_record (at);
drop index ix_access_record_trace_id;
create index ix_access_record_trace_id on access_record
 using brin (trace_id text_bloom_ops (n_distinct_per_range = 1500, false_positive_rate = 0.001))
  with (pages_per_range = 32, autosummarize = on);
create index ix_access_record_token_id on access_record
 using brin (token_id text_bloom_ops (n_distinct_per_range = 1500, false_positive_rate = 0.001))
  with (pages_per_range = 32, autosummarize = on);
create index ix_access_record_subject on access_record
 using brin (subject text_bloom_ops (n_distinct_per_range = 1500, false_positive_rate = 0.001))
  with (pages_per_range = 32, autosummarize = on);
"""

# language sql without begin atomic: who calls it reads what they may, a table or its view in `granted`
FUNCTION = """
create function records_of_{name}(wanted text[]) returns setof bigint language sql stable rows 50
set enable_seqscan = off set max_parallel_workers_per_gather = 0 set jit = off
as 'select id from access_record where {name} = any(wanted)';
"""

MONTHS = """
create table access_month (
    month date not null,
    kind uuid not null,
    requests bigint not null,
    rows bigint not null,
    bytes bigint not null,
    constraint pk_access_month primary key (month, kind)
);
comment on column access_month.month is 'its first day, UTC';
insert into access_month (month, kind, requests, rows, bytes)
select date_trunc('month', day)::date, kind, sum(requests), sum(rows), sum(bytes) from access_day group by 1, 2;
"""


def upgrade() -> None:
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute(FILTERS)
    for name in ("trace_id", "token_id", "subject"):
        connection.execute(FUNCTION.format(name=name))
    connection.execute(MONTHS)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup instead")
