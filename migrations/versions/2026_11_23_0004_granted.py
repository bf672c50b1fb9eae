"""Sets of datasets in statements as arrays or bit strings, and names in the order that lists have.

PostgreSQL puts the bodies of these functions in place of their calls when it plans.
"""

from alembic import op

revision = "2026_11_23_0004"
down_revision = "2026_11_23_0003"
branch_labels = None
depends_on = None

GRANTED = """
create function granted(ids integer[], id integer) returns boolean language sql immutable parallel safe
    return id = any(ids);

-- written with <>, which PostgreSQL takes to let nearly all rows through: so large a set is mostly everything
create function granted(ids varbit, id integer) returns boolean language sql immutable parallel safe
    return case when id < length(ids) then get_bit(ids, id) else 0 end <> 0;

alter table thing add name_sort text collate "C" not null generated always as (left(lower(name), 400)) stored;
alter table datastream add name_sort text collate "C" not null generated always as (left(lower(name), 400)) stored;
comment on column thing.name_sort is 'name folded for sorting, as short as a cursor''s part must be';
comment on column datastream.name_sort is 'name folded for sorting, as short as a cursor''s part must be';
create index ix_thing_name_sort_key on thing (name_sort, key);
create index ix_datastream_name_sort_key on datastream (name_sort, key);
"""


def upgrade() -> None:
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute(GRANTED)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup instead")
