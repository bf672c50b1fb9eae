"""Row security of the reading role: its name, how a session enters it, and what moves the policy epoch.

Views, policies and rights are put in place after the migrations by `node.store.reading_role`.
"""

from alembic import op

revision = "2026_11_23_0003"
down_revision = "2026_11_23_0002"
branch_labels = None
depends_on = None

SECURITY = """
-- roles belong to the server, on which other cities may have databases: this one's role has a name of its own, which is
-- fixed here, so that a copy of the database under another name finds it
do $$
declare
    wanted text := 'verbund_reader_' || current_database();
begin
    if octet_length(wanted) > 63 then
        wanted := 'verbund_reader_' || md5(current_database());
    end if;
    execute format('create function reading_role() returns text language sql immutable parallel safe return %L::text', wanted);
end $$;

-- for the whole session: prepared statements are planned anew when the role changes
create function enter_reading_role() returns void language plpgsql as $$
begin
    perform set_config('search_path', 'granted, ' || current_setting('search_path'), false);
    perform set_config('default_transaction_read_only', 'on', false);
    perform set_config('role', reading_role(), false);
exception when invalid_parameter_value or undefined_object or insufficient_privilege then
    raise exception 'the role % is missing or may not be used', reading_role()
        using errcode = 'system_error', hint = 'run `verbund migrate`';
end $$;

-- keys of datasets beyond the scope that what the caller named belongs to: a denial leaves a record. The reading role
-- can't see them by itself, and learns nothing here that it does not name.
create function datasets_beyond(kind text, keys text[], scope integer[]) returns setof text
    language sql stable strict security definer rows 10
begin atomic
    select d.key from dataset d where kind = 'Dataset' and d.key = any(keys) and d.id <> all(scope)
    union
    select d.key
      from datastream s join dataset d on d.id = s.dataset_id
     where kind = 'Datastream' and s.key = any(keys) and d.id <> all(scope)
    union
    select d.key
      from thing g join datastream s on s.thing_id = g.id join dataset d on d.id = s.dataset_id
     where kind = 'Thing' and g.key = any(keys)
       and not exists (select from datastream v where v.thing_id = g.id and v.dataset_id = any(scope));
end;

revoke execute on function datasets_beyond(text, text[], integer[]) from public;

-- grants hold ids of things and datastreams, so they are outdated when one is new or moves
create trigger datastream_decides after insert or delete or update of dataset_id, thing_id on datastream
    for each statement execute function advance_policy_epoch();
"""


def upgrade() -> None:
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute(SECURITY)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup instead")
