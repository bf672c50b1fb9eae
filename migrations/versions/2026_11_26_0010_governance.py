"""Assessments with four eyes, and agreements that both cities sign.

Datasets that had left INTERNAL, and agreements in force, are taken over as they are: the assessment says so, and is due
for review in 90 days.
"""

from alembic import op

revision = "2026_11_26_0010"
down_revision = "2026_11_26_0009"
branch_labels = None
depends_on = None

ASSESSMENTS = """
-- they name columns of the tables below; `secure_reading` makes them again
drop schema if exists obliged cascade;
drop schema if exists granted cascade;

create table assessment (
    id integer generated always as identity,
    dataset_id integer not null,
    version integer not null,
    author text not null,
    authored_at timestamp with time zone default now() not null,
    tier tier not null,
    reason text not null,
    personal_reference text not null,
    anonymisation text default '' not null,
    confidentiality text not null,
    integrity text not null,
    availability text not null,
    legal_basis text default '' not null,
    purposes text[],
    licence text default '' not null,
    consent text not null,
    consent_reference text default '' not null,
    hvd_category text default '' not null,
    data_owner text default '' not null,
    data_steward text default '' not null,
    review_due timestamp with time zone,
    retention text[] default '{}' not null,
    reference_class text default '' not null,
    obligations text[] default '{}' not null,
    open_obligations text[] default '{}' not null,
    completeness double precision,
    timeliness double precision,
    plausibility double precision,
    dataset_digest bytea not null,
    signed_off_by text,
    signed_off_at timestamp with time zone,
    constraint pk_assessment primary key (id),
    constraint uq_assessment_dataset_id_version unique (dataset_id, version),
    constraint fk_assessment_dataset_id foreign key (dataset_id) references dataset (id) on delete cascade,
    constraint ck_assessment_four_eyes check (lower(btrim(signed_off_by)) <> lower(btrim(author))),
    constraint ck_assessment_signed check ((signed_off_by is null) = (signed_off_at is null)),
    constraint ck_assessment_named check (btrim(author) <> '' and btrim(signed_off_by) <> ''),
    constraint ck_assessment_personal_reference check (personal_reference in ('NONE', 'INDIRECT', 'DIRECT')),
    constraint ck_assessment_consent check (consent in ('NOT_NEEDED', 'NEEDED', 'GIVEN'))
);
comment on column assessment.purposes is 'null = not limited';
comment on column assessment.dataset_digest is 'of the description that was assessed';
comment on column assessment.retention is 'step=duration, e.g. PT15M=P2Y';

-- what somebody has written is not changed: it is signed off once, or a new version is written
create function assessment_stays() returns trigger language plpgsql as $$
begin
    if old.signed_off_at is not null or to_jsonb(new) - '{signed_off_by,signed_off_at}'::text[]
            <> to_jsonb(old) - '{signed_off_by,signed_off_at}'::text[] then
        raise exception 'an assessment is not changed: write a new version' using errcode = 'insufficient_privilege';
    end if;
    return new;
end $$;
create trigger assessment_stays before update on assessment for each row execute function assessment_stays();

alter table dataset add assessment_id integer;
alter table dataset add constraint fk_dataset_assessment_id foreign key (assessment_id) references assessment (id);
comment on column dataset.assessment_id is 'the assessment in force';
create index ix_dataset_assessment_id on dataset (assessment_id);

insert into assessment (dataset_id, version, author, authored_at, tier, reason, personal_reference, confidentiality,
                        integrity, availability, legal_basis, consent, hvd_category, data_owner, data_steward, review_due,
                        dataset_digest, signed_off_by, signed_off_at)
select id, 1, coalesce(nullif(btrim(tier_set_by), ''), 'unknown'), coalesce(tier_set_at, now()), tier,
       coalesce(tier_reason, 'set before there were assessments'), coalesce(personal_reference, 'NONE'), 'NORMAL', 'NORMAL',
       'NORMAL', coalesce(legal_basis, ''), 'NOT_NEEDED', coalesce(hvd_category, ''), coalesce(data_owner, ''),
       coalesce(data_steward, ''), now() + interval '90 days', digest, 'migration 2026_11_26_0010', now()
  from dataset where tier in ('OPEN', 'SHARED');
update dataset d set assessment_id = a.id, review_due = a.review_due from assessment a where a.dataset_id = d.id;

-- nothing leaves INTERNAL without an assessment that a second person has signed off
create function tier_is_assessed() returns trigger language plpgsql as $$
begin
    if not exists (select from assessment where id = new.assessment_id and dataset_id = new.id and tier = new.tier
                      and signed_off_at is not null) then
        raise exception 'dataset % is not assessed as %', new.key, new.tier
            using errcode = 'insufficient_privilege', hint = 'verbund assessment draft, verbund assessment sign-off';
    end if;
    return new;
end $$;
create trigger tier_is_assessed before update of tier, assessment_id on dataset for each row
    when (new.tier in ('OPEN', 'SHARED')
          and (new.tier <> old.tier or new.assessment_id is distinct from old.assessment_id))
    execute function tier_is_assessed();

drop trigger dataset_decides on dataset;
create trigger dataset_decides after insert or delete or update of tier, key, assessment_id, themes, keywords on dataset
    for each statement execute function advance_policy_epoch();
"""

AGREEMENTS = """
alter table agreement alter datasets set default '{}';
alter table agreement add owner text;
alter table agreement add themes text[] default '{}' not null;
alter table agreement add keywords text[] default '{}' not null;
alter table agreement add obligations text[] default '{}' not null;
alter table agreement add version integer default 1 not null;
alter table agreement add offer text;
alter table agreement add acceptance text;
alter table agreement add accepted_at timestamp with time zone;
alter table agreement add revocation text;
alter table agreement add revoked_by text;
alter table agreement add undelivered text;
update agreement set accepted_at = created_at, note = concat_ws('; ', nullif(note, ''), 'from before agreements were signed');
alter table agreement drop constraint ck_agreement_scope;
alter table agreement add constraint ck_agreement_scope
    check (cardinality(datasets) + cardinality(themes) + cardinality(keywords) > 0 and cardinality(purposes) > 0);
comment on column agreement.owner is 'city that gives the data; null = this one';
comment on column agreement.offer is 'signed by the owner''s node (compact JWS)';
comment on column agreement.acceptance is 'signed by the member''s node (compact JWS)';
comment on column agreement.accepted_at is 'null = offered only; nothing holds before';
comment on column agreement.revocation is 'signed by the node that revoked (compact JWS)';
comment on column agreement.undelivered is 'which of these the other city has not been given yet';
"""


def upgrade() -> None:
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute(ASSESSMENTS)
    connection.execute(AGREEMENTS)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup instead")
