"""In which order observations arrive, for those who follow them live; changes of rules and revocations are told."""

from alembic import op

revision = "2026_11_26_0015"
down_revision = "2026_11_26_0014"
branch_labels = None
depends_on = None

ARRIVALS = """
create table arrival (
    id bigint not null,
    datastream_id integer not null,
    times timestamp with time zone[] not null,
    constraint pk_arrival primary key (id)
);
create index ix_arrival_datastream_id_id on arrival (datastream_id, id);
comment on column arrival.id is 'microseconds since 1970 when it was given, or one more than the last; commits in this order';
comment on column arrival.times is 'phenomenon times of new and changed observations';

create table arrival_horizon (
    single boolean not null,
    until bigint not null,
    constraint pk_arrival_horizon primary key (single),
    constraint ck_arrival_horizon_one_row check (single)
);
comment on column arrival_horizon.until is 'arrivals up to this id are forgotten';
insert into arrival_horizon values (true, 0);

-- whoever follows observations looks again at what may be seen
create or replace function advance_policy_epoch() returns trigger language plpgsql as $$
begin
    update policy_epoch set epoch = epoch + 1;
    perform pg_notify('verbund_changed', '');
    return null;
end $$;

create function tell_change() returns trigger language plpgsql as $$
begin
    perform pg_notify('verbund_changed', '');
    return null;
end $$;
create trigger revocation_told after insert or update on revocation for each statement execute function tell_change();
"""


def upgrade() -> None:
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute(ARRIVALS)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup instead")
