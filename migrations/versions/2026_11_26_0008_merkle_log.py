"""The access log as a Merkle tree.

What records have in common is stored once, as their kind; a record keeps what is its own, the salt of its personal
parts, and the hash of its leaf. The records that are there already are converted and become part of the tree: their
canonical bytes are made here, in SQL, to the letter of docs/log-format.md. From then on they can't be changed unnoticed;
what was done to them before, nobody can tell.
"""

from alembic import op

revision = "2026_11_26_0008"
down_revision = "2026_11_26_0007"
branch_labels = None
depends_on = None

SCHEMA = """
drop view if exists granted.access_record;
drop view if exists granted.operation;
alter table access_record rename to earlier_record;
alter table earlier_record rename constraint pk_access_record to pk_earlier_record;
drop index ix_access_record_at, ix_access_record_trace_id;
drop trigger operation_append_only on operation;

create table access_kind (
    id uuid not null,
    role text not null,
    counterpart text,
    caller_city text,
    application text,
    purpose text,
    legal_basis text,
    action text not null,
    field text not null,
    operation bytea not null,
    fields text[] default '{}' not null,
    datasets text[] default '{}' not null,
    decision text not null,
    rules text[] default '{}' not null,
    policy_version text not null,
    obligations text[] default '{}' not null,
    state text not null,
    positions text,
    constraint pk_access_kind primary key (id),
    constraint ck_access_kind_decision check (decision in ('PERMIT', 'DENY', 'NONE')),
    constraint ck_access_kind_role check (role in ('OWNER', 'CONSUMER'))
);
comment on column access_kind.id is 'first 16 bytes of the SHA-256 of its canonical bytes';
comment on column access_kind.role is 'OWNER: this city''s data was asked for; CONSUMER: this city asked';
comment on column access_kind.counterpart is 'the other city, if one is involved';
comment on column access_kind.action is 'caller:subject:action, e.g. peer:dataset:read';
comment on column access_kind.field is 'root field of the query';
comment on column access_kind.operation is 'SHA-256 of the normalised document';
comment on column access_kind.fields is 'paths of the selected fields';
comment on column access_kind.positions is 'of the records that an operator erased, e.g. 5-9,12-12';

create table access_record (
    id bigint generated always as identity,
    at timestamp with time zone not null,
    kind uuid not null,
    rows integer not null,
    bytes integer not null,
    took_us integer not null,
    trace_id text not null,
    request_digest bytea,
    response_digest bytea,
    receipt text,
    salt bytea,
    subject text,
    token_id text,
    personal bytea,
    leaf bytea not null,
    constraint pk_access_record primary key (id)
);
comment on column access_record.request_digest is 'SHA-256 of the body that one city sent to the other';
comment on column access_record.response_digest is 'SHA-256 of the root field''s value in the owner''s answer';
comment on column access_record.receipt is 'what the other city signed about its answer';
comment on column access_record.salt is 'of the personal parts; null once they are erased';
comment on column access_record.personal is 'the salted hash of the personal parts, once they are erased';
comment on column access_record.leaf is 'hash of the leaf, RFC 9162 2.1.1';
create index ix_access_record_kind_at on access_record (kind, at);

create table log_run (
    position bigint not null,
    record_id bigint not null,
    length integer not null,
    constraint pk_log_run primary key (position),
    constraint uq_log_run_record_id unique (record_id),
    constraint ck_log_run_length check (length > 0)
);
comment on table log_run is 'records record_id to record_id + length - 1 are the leaves from position on';

create table log_tile (
    level smallint not null,
    index bigint not null,
    hashes bytea not null,
    constraint pk_log_tile primary key (level, index),
    constraint ck_log_tile_length check (length(hashes) between 32 and 8192 and length(hashes) % 32 = 0)
);
comment on table log_tile is 'up to 256 hashes each, as in C2SP tlog-tiles';
alter table log_tile alter hashes set storage external;

create table log_checkpoint (
    size bigint not null,
    at timestamp with time zone not null,
    root bytea not null,
    note text not null,
    cosigned_at timestamp with time zone,
    constraint pk_log_checkpoint primary key (size)
);
comment on column log_checkpoint.cosigned_at is 'when a quorum of witnesses had last cosigned it';

create table access_day (
    day date not null,
    kind uuid not null,
    requests bigint not null,
    rows bigint not null,
    bytes bigint not null,
    constraint pk_access_day primary key (day, kind)
);
comment on column access_day.day is 'UTC';

create table witnessed_log (
    city text not null,
    origin text not null,
    key text not null,
    size bigint not null,
    root bytea not null,
    note text not null,
    state text not null,
    reason text,
    evidence text,
    seen_at timestamp with time zone not null,
    constraint pk_witnessed_log primary key (city)
);
comment on table witnessed_log is 'what this node as a witness knows of the other members'' logs';

create table legal_hold (
    id integer generated always as identity,
    matching text not null,
    reason text not null,
    set_at timestamp with time zone default now() not null,
    released_at timestamp with time zone,
    constraint pk_legal_hold primary key (id)
);
comment on column legal_hold.matching is 'filter of the records that must stay';
"""

CONVERT = """
create temporary table converted on commit drop as
select r.*,
       case when o.document is not null and length(o.document) < 16384
            then sha256(convert_to(o.document, 'UTF8')) else r.operation end as digest,
       decode(replace(gen_random_uuid()::text, '-', ''), 'hex') as salt
  from earlier_record r left join operation o on o.digest = r.operation;

create temporary table kinds on commit drop as
select *, convert_to(
       '{"action":' || to_json(action)::text || ',"application":' || coalesce(to_json(application)::text, 'null')
    || ',"caller_city":' || coalesce(to_json(caller_city)::text, 'null')
    || ',"counterpart":' || coalesce(to_json(counterpart)::text, 'null')
    || ',"datasets":' || array_to_json(datasets)::text || ',"decision":' || to_json(decision)::text
    || ',"field":' || to_json(field)::text || ',"fields":[],"legal_basis":null,"obligations":[],"operation":"'
    || encode(digest, 'hex') || '","policy_version":' || to_json(policy_version)::text
    || ',"positions":null,"purpose":' || coalesce(to_json(purpose)::text, 'null')
    || ',"role":' || to_json(role)::text || ',"rules":' || array_to_json(rules)::text
    || ',"state":' || to_json(state)::text || '}', 'UTF8') as content
  from (select distinct role, counterpart, caller_city, application, purpose, action, field, digest, datasets, decision,
               rules, policy_version, state from converted) distinct_kind;

insert into access_kind (id, role, counterpart, caller_city, application, purpose, action, field, operation, datasets,
                         decision, rules, policy_version, state)
select left(encode(sha256(content), 'hex'), 32)::uuid, role, counterpart, caller_city, application, purpose, action,
       field, digest, datasets, decision, rules, policy_version, state
  from kinds;

insert into access_record (id, at, kind, rows, bytes, took_us, trace_id, receipt, salt, token_id, leaf)
overriding system value
select id, at, left(kind, 32)::uuid, rows, bytes, took, trace_id, receipt, salt, token_id,
       sha256('\\x00'::bytea || convert_to(
           '{"at":"' || to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '","bytes":' || bytes
        || ',"kind":"' || kind || '","personal":"'
        || encode(sha256(salt || convert_to('{"subject":null,"token_id":'
                                            || coalesce(to_json(token_id)::text, 'null') || '}', 'UTF8')), 'hex')
        || '","receipt":' || coalesce('"' || encode(sha256(convert_to(receipt, 'UTF8')), 'hex') || '"', 'null')
        || ',"request":null,"response":null,"rows":' || rows || ',"took_us":' || took
        || ',"trace_id":' || to_json(trace_id)::text || ',"v":1}', 'UTF8'))
  from (select c.id, c.at, encode(sha256(k.content), 'hex') as kind, c.rows, c.bytes,
               round(c.took_ms * 1000)::integer as took, c.trace_id, c.receipt, c.salt, c.token_id
          from converted c join kinds k
            on (k.role, k.action, k.field, k.digest, k.datasets, k.decision, k.rules, k.policy_version, k.state)
             = (c.role, c.action, c.field, c.digest, c.datasets, c.decision, c.rules, c.policy_version, c.state)
           and k.counterpart is not distinct from c.counterpart and k.caller_city is not distinct from c.caller_city
           and k.application is not distinct from c.application and k.purpose is not distinct from c.purpose
         order by c.id) record;

select setval(pg_get_serial_sequence('access_record', 'id'),
              greatest((select coalesce(max(id), 1) from access_record), 1),
              exists (select from access_record));

delete from operation where length(document) >= 16384;
create temporary table documents on commit drop as
select distinct on (sha256(convert_to(document, 'UTF8'))) document from operation;
delete from operation;
insert into operation (digest, document) select sha256(convert_to(document, 'UTF8')), document from documents;
drop table earlier_record;
"""

KEPT = """
-- filters of traces and of times: one entry for many pages, so that writing costs next to nothing
create index ix_access_record_trace_id on access_record using brin (trace_id text_bloom_ops)
    with (pages_per_range = 32, autosummarize = on);
create index ix_access_record_at on access_record using brin (at) with (pages_per_range = 32, autosummarize = on);

-- against mistakes; against intent there is the tree
create function refuse_erasing() returns trigger language plpgsql as $$
begin
    if current_setting('verbund.erasing', true) is distinct from 'on' or tg_op = 'TRUNCATE' then
        raise exception 'table % is append-only: % is refused', tg_table_name, tg_op using errcode = 'insufficient_privilege';
    end if;
    return null;
end $$;
create trigger access_record_append_only before update or delete or truncate on access_record
    for each statement execute function refuse_erasing();
create trigger access_kind_append_only before update or delete or truncate on access_kind
    for each statement execute function refuse_erasing();
create trigger operation_append_only before update or delete or truncate on operation
    for each statement execute function refuse_erasing();
create trigger log_run_append_only before update or delete or truncate on log_run
    for each statement execute function refuse_change();

create function refuse_rewriting() returns trigger language plpgsql as $$
begin
    if substr(new.hashes, 1, length(old.hashes)) <> old.hashes then
        raise exception 'a tile of the log only grows' using errcode = 'insufficient_privilege';
    end if;
    return new;
end $$;
create trigger log_tile_grows before update on log_tile for each row execute function refuse_rewriting();
create trigger log_tile_append_only before delete or truncate on log_tile
    for each statement execute function refuse_change();
"""


def upgrade() -> None:
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    for script in (SCHEMA, CONVERT, KEPT):
        connection.execute(script)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup instead")
