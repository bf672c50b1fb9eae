"""The first schema: catalog, sensors, agreements, applications, access records, imports."""

from alembic import op

revision = "2026_11_22_0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMA = """
create type tier as enum ('OPEN', 'SHARED', 'INTERNAL', 'PROTECTED');

create type observation_quality as enum ('RAW', 'CHECKED', 'ESTIMATED', 'SUSPECT', 'MISSING');

-- array_to_string is only stable; for text arrays it is immutable in fact
create function immutable_join(words text[]) returns text
    language sql immutable parallel safe as $$ select array_to_string(words, ' ') $$;

CREATE TABLE access_record (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    trace_id TEXT NOT NULL,
    role TEXT NOT NULL,
    counterpart TEXT,
    caller_city TEXT,
    application TEXT,
    purpose TEXT,
    token_id TEXT,
    action TEXT NOT NULL,
    field TEXT NOT NULL,
    operation BYTEA NOT NULL,
    datasets TEXT[] DEFAULT '{}' NOT NULL,
    decision TEXT NOT NULL,
    rules TEXT[] DEFAULT '{}' NOT NULL,
    policy_version TEXT NOT NULL,
    state TEXT NOT NULL,
    rows INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    took_ms DOUBLE PRECISION NOT NULL,
    CONSTRAINT pk_access_record PRIMARY KEY (id),
    CONSTRAINT ck_access_record_decision CHECK (decision in ('PERMIT', 'DENY', 'NONE')),
    CONSTRAINT ck_access_record_role CHECK (role in ('OWNER', 'CONSUMER'))
);

comment on column access_record.role is 'OWNER: this city''s data was asked for; CONSUMER: this city asked';

comment on column access_record.counterpart is 'the other city, if one is involved';

comment on column access_record.action is 'caller:subject:action, e.g. peer:dataset:read';

comment on column access_record.field is 'root field of the query';

CREATE INDEX ix_access_record_at ON access_record (at);

CREATE INDEX ix_access_record_trace_id ON access_record (trace_id);

CREATE TABLE agreement (
    id TEXT COLLATE "C" NOT NULL,
    member TEXT NOT NULL,
    applications TEXT[] DEFAULT '{}' NOT NULL,
    datasets TEXT[] NOT NULL,
    purposes TEXT[] NOT NULL,
    valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
    valid_until TIMESTAMP WITH TIME ZONE NOT NULL,
    revoked_at TIMESTAMP WITH TIME ZONE,
    note TEXT DEFAULT '' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_agreement PRIMARY KEY (id),
    CONSTRAINT ck_agreement_period CHECK (valid_from < valid_until),
    CONSTRAINT ck_agreement_scope CHECK (cardinality(datasets) > 0 and cardinality(purposes) > 0)
);

comment on column agreement.member is 'city that may ask';

comment on column agreement.datasets is 'dataset keys';

CREATE TABLE application (
    id TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    jwks JSONB NOT NULL,
    scopes TEXT[] NOT NULL,
    purposes TEXT[] NOT NULL,
    status TEXT DEFAULT 'ACTIVE' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_application PRIMARY KEY (id),
    CONSTRAINT ck_application_status CHECK (status in ('ACTIVE', 'SUSPENDED'))
);

comment on column application.id is 'client_id';

comment on column application.jwks is 'public keys only';

CREATE TABLE contact (
    id INTEGER GENERATED ALWAYS AS IDENTITY,
    key TEXT COLLATE "C" NOT NULL,
    name TEXT,
    email TEXT,
    telephone TEXT,
    url TEXT,
    CONSTRAINT pk_contact PRIMARY KEY (id),
    CONSTRAINT uq_contact_key UNIQUE (key)
);

comment on column contact.email is 'without mailto:';

comment on column contact.telephone is 'without tel:';

CREATE TABLE ingest_run (
    id INTEGER GENERATED ALWAYS AS IDENTITY,
    kind TEXT NOT NULL,
    source TEXT NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    finished_at TIMESTAMP WITH TIME ZONE,
    read BIGINT DEFAULT '0' NOT NULL,
    written BIGINT DEFAULT '0' NOT NULL,
    unchanged BIGINT DEFAULT '0' NOT NULL,
    quarantined BIGINT DEFAULT '0' NOT NULL,
    CONSTRAINT pk_ingest_run PRIMARY KEY (id)
);

comment on column ingest_run.kind is 'dcat or counts';

CREATE TABLE licence (
    id INTEGER GENERATED ALWAYS AS IDENTITY,
    key TEXT COLLATE "C" NOT NULL,
    uri TEXT NOT NULL,
    title TEXT NOT NULL,
    CONSTRAINT pk_licence PRIMARY KEY (id),
    CONSTRAINT uq_licence_key UNIQUE (key)
);

comment on column licence.uri is 'canonical IRI under http://dcat-ap.de/def/licenses/';

CREATE TABLE observation (
    datastream_id INTEGER NOT NULL,
    phenomenon_time TIMESTAMP WITH TIME ZONE NOT NULL,
    phenomenon_end TIMESTAMP WITH TIME ZONE,
    result DOUBLE PRECISION,
    quality observation_quality DEFAULT 'RAW' NOT NULL,
    CONSTRAINT pk_observation PRIMARY KEY (datastream_id, phenomenon_time)
)
 PARTITION BY RANGE (phenomenon_time);

comment on column observation.phenomenon_time is 'start, if an interval';

comment on column observation.phenomenon_end is 'end of the interval; null = instant';

comment on column observation.result is 'null = no valid value';

CREATE TABLE observed_property (
    id INTEGER GENERATED ALWAYS AS IDENTITY,
    key TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    definition TEXT NOT NULL,
    description TEXT DEFAULT '' NOT NULL,
    CONSTRAINT pk_observed_property PRIMARY KEY (id),
    CONSTRAINT uq_observed_property_key UNIQUE (key)
);

comment on column observed_property.definition is 'IRI';

CREATE TABLE operation (
    digest BYTEA NOT NULL,
    document TEXT NOT NULL,
    CONSTRAINT pk_operation PRIMARY KEY (digest)
);

comment on column operation.digest is 'SHA-256 of the document';

CREATE TABLE policy_epoch (
    single BOOLEAN NOT NULL CONSTRAINT ck_policy_epoch_one_row CHECK (single),
    epoch BIGINT NOT NULL,
    CONSTRAINT pk_policy_epoch PRIMARY KEY (single)
);

comment on column policy_epoch.epoch is 'grows whenever a decision may change';

CREATE TABLE publisher (
    id INTEGER GENERATED ALWAYS AS IDENTITY,
    key TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    kind TEXT,
    homepage TEXT,
    CONSTRAINT pk_publisher PRIMARY KEY (id),
    CONSTRAINT uq_publisher_key UNIQUE (key)
);

comment on column publisher.kind is 'IRI of the ADMS publisher type';

CREATE TABLE sensor (
    id INTEGER GENERATED ALWAYS AS IDENTITY,
    key TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    description TEXT DEFAULT '' NOT NULL,
    encoding_type TEXT DEFAULT 'text/plain' NOT NULL,
    metadata TEXT DEFAULT '' NOT NULL,
    CONSTRAINT pk_sensor PRIMARY KEY (id),
    CONSTRAINT uq_sensor_key UNIQUE (key)
);

CREATE TABLE thing (
    id INTEGER GENERATED ALWAYS AS IDENTITY,
    key TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    description TEXT DEFAULT '' NOT NULL,
    longitude DOUBLE PRECISION,
    latitude DOUBLE PRECISION,
    place TEXT,
    properties JSONB DEFAULT '{}' NOT NULL,
    CONSTRAINT pk_thing PRIMARY KEY (id),
    CONSTRAINT ck_thing_location_whole CHECK ((longitude is null) = (latitude is null)),
    CONSTRAINT uq_thing_key UNIQUE (key)
);

comment on column thing.longitude is 'WGS 84 degrees';

comment on column thing.latitude is 'WGS 84 degrees';

comment on column thing.place is 'name of the location';

CREATE INDEX ix_thing_longitude_latitude ON thing (longitude, latitude);

CREATE TABLE used_token_id (
    issuer TEXT NOT NULL,
    token_id TEXT NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_used_token_id PRIMARY KEY (issuer, token_id)
);

comment on column used_token_id.token_id is 'jti of a single-use JWT';

CREATE INDEX ix_used_token_id_expires_at ON used_token_id (expires_at);

CREATE TABLE dataset (
    id INTEGER GENERATED ALWAYS AS IDENTITY,
    key TEXT COLLATE "C" NOT NULL,
    identifier TEXT,
    source_iri TEXT,
    title TEXT NOT NULL,
    title_sort TEXT COLLATE "C" NOT NULL,
    description TEXT DEFAULT '' NOT NULL,
    publisher_id INTEGER,
    contact_id INTEGER,
    landing_page TEXT,
    themes TEXT[] DEFAULT '{}' NOT NULL,
    keywords TEXT[] DEFAULT '{}' NOT NULL,
    languages TEXT[] DEFAULT '{}' NOT NULL,
    issued TIMESTAMP WITH TIME ZONE,
    modified TIMESTAMP WITH TIME ZONE,
    accrual_periodicity TEXT,
    temporal_start TIMESTAMP WITH TIME ZONE,
    temporal_end TIMESTAMP WITH TIME ZONE,
    spatial TEXT[] DEFAULT '{}' NOT NULL,
    west DOUBLE PRECISION,
    south DOUBLE PRECISION,
    east DOUBLE PRECISION,
    north DOUBLE PRECISION,
    tier tier DEFAULT 'INTERNAL' NOT NULL,
    tier_reason TEXT,
    tier_set_by TEXT,
    tier_set_at TIMESTAMP WITH TIME ZONE,
    data_owner TEXT,
    data_steward TEXT,
    personal_reference TEXT,
    legal_basis TEXT,
    hvd_category TEXT,
    review_due TIMESTAMP WITH TIME ZONE,
    digest BYTEA NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    search TSVECTOR GENERATED ALWAYS AS (setweight(to_tsvector('german', title), 'A') || setweight(to_tsvector('german', immutable_join(keywords)), 'B') || setweight(to_tsvector('german', description), 'C')) STORED NOT NULL,
    CONSTRAINT pk_dataset PRIMARY KEY (id),
    CONSTRAINT ck_dataset_bbox_whole CHECK ((west is null) = (south is null) and (west is null) = (east is null) and (west is null) = (north is null)),
    CONSTRAINT uq_dataset_key UNIQUE (key),
    CONSTRAINT fk_dataset_publisher_id FOREIGN KEY(publisher_id) REFERENCES publisher (id),
    CONSTRAINT fk_dataset_contact_id FOREIGN KEY(contact_id) REFERENCES contact (id)
);

comment on column dataset.identifier is 'dcterms:identifier, as published';

comment on column dataset.source_iri is 'subject IRI in the imported catalog';

comment on column dataset.title_sort is 'title folded for sorting';

comment on column dataset.accrual_periodicity is 'EU frequency code, e.g. DAILY';

comment on column dataset.data_owner is 'office that owns the data';

comment on column dataset.personal_reference is 'NONE, INDIRECT or DIRECT; null = not assessed';

comment on column dataset.legal_basis is 'ELI or text';

comment on column dataset.hvd_category is 'high-value-dataset category IRI';

comment on column dataset.digest is 'SHA-256 of the imported description';

CREATE INDEX ix_dataset_contact_id ON dataset (contact_id);

CREATE INDEX ix_dataset_keywords ON dataset USING gin (keywords);

CREATE INDEX ix_dataset_modified_key ON dataset (modified, key);

CREATE INDEX ix_dataset_publisher_id ON dataset (publisher_id);

CREATE INDEX ix_dataset_search ON dataset USING gin (search);

CREATE INDEX ix_dataset_themes ON dataset USING gin (themes);

CREATE INDEX ix_dataset_title_sort_key ON dataset (title_sort, key);

CREATE TABLE ingest_file (
    kind TEXT NOT NULL,
    path TEXT NOT NULL,
    source TEXT NOT NULL,
    digest BYTEA NOT NULL,
    run_id INTEGER NOT NULL,
    rows BIGINT NOT NULL,
    finished_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_ingest_file PRIMARY KEY (kind, path, source),
    CONSTRAINT fk_ingest_file_run_id FOREIGN KEY(run_id) REFERENCES ingest_run (id)
);

comment on column ingest_file.path is 'relative to the source';

comment on column ingest_file.digest is 'SHA-256 of file and mapping';

CREATE TABLE quarantine (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    run_id INTEGER NOT NULL,
    source TEXT NOT NULL,
    location TEXT NOT NULL,
    field TEXT NOT NULL,
    value TEXT NOT NULL,
    reason TEXT NOT NULL,
    message TEXT NOT NULL,
    CONSTRAINT pk_quarantine PRIMARY KEY (id),
    CONSTRAINT uq_quarantine_source_location_field_reason UNIQUE (source, location, field, reason),
    CONSTRAINT fk_quarantine_run_id FOREIGN KEY(run_id) REFERENCES ingest_run (id)
);

comment on column quarantine.location is 'file and line, or subject IRI';

comment on column quarantine.value is 'as it was read, at most 500 characters';

comment on column quarantine.reason is 'stable code, e.g. time.nonexistent';

comment on column quarantine.message is 'what is wrong and what to do';

CREATE INDEX ix_quarantine_run_id ON quarantine (run_id);

CREATE TABLE datastream (
    id INTEGER GENERATED ALWAYS AS IDENTITY,
    key TEXT COLLATE "C" NOT NULL,
    dataset_id INTEGER NOT NULL,
    thing_id INTEGER NOT NULL,
    sensor_id INTEGER NOT NULL,
    observed_property_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    description TEXT DEFAULT '' NOT NULL,
    observation_type TEXT NOT NULL,
    unit TEXT NOT NULL,
    vehicle_class TEXT,
    direction TEXT,
    interval_seconds INTEGER,
    phenomenon_start TIMESTAMP WITH TIME ZONE,
    phenomenon_end TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_datastream PRIMARY KEY (id),
    CONSTRAINT uq_datastream_key UNIQUE (key),
    CONSTRAINT fk_datastream_dataset_id FOREIGN KEY(dataset_id) REFERENCES dataset (id),
    CONSTRAINT fk_datastream_thing_id FOREIGN KEY(thing_id) REFERENCES thing (id),
    CONSTRAINT fk_datastream_sensor_id FOREIGN KEY(sensor_id) REFERENCES sensor (id),
    CONSTRAINT fk_datastream_observed_property_id FOREIGN KEY(observed_property_id) REFERENCES observed_property (id)
);

comment on column datastream.observation_type is 'IRI, OGC O&M 2.0';

comment on column datastream.unit is 'UCUM code';

comment on column datastream.vehicle_class is 'BICYCLE, CAR, PEDESTRIAN …; null = not about vehicles';

comment on column datastream.direction is 'as the city names it';

comment on column datastream.interval_seconds is 'length of an observation''s phenomenonTime; null = instant';

CREATE INDEX ix_datastream_dataset_id ON datastream (dataset_id);

CREATE INDEX ix_datastream_observed_property_id ON datastream (observed_property_id);

CREATE INDEX ix_datastream_sensor_id ON datastream (sensor_id);

CREATE INDEX ix_datastream_thing_id ON datastream (thing_id);

CREATE TABLE distribution (
    id INTEGER GENERATED ALWAYS AS IDENTITY,
    dataset_id INTEGER NOT NULL,
    position INTEGER NOT NULL,
    title TEXT,
    description TEXT,
    access_url TEXT NOT NULL,
    download_url TEXT,
    format TEXT,
    media_type TEXT,
    byte_size BIGINT,
    licence_id INTEGER,
    licence_attribution TEXT,
    availability TEXT,
    issued TIMESTAMP WITH TIME ZONE,
    modified TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_distribution PRIMARY KEY (id),
    CONSTRAINT uq_distribution_dataset_id_position UNIQUE (dataset_id, position),
    CONSTRAINT fk_distribution_dataset_id FOREIGN KEY(dataset_id) REFERENCES dataset (id) ON DELETE CASCADE,
    CONSTRAINT fk_distribution_licence_id FOREIGN KEY(licence_id) REFERENCES licence (id)
);

comment on column distribution.format is 'EU file-type code, e.g. CSV';

CREATE INDEX ix_distribution_dataset_id ON distribution (dataset_id);

CREATE INDEX ix_distribution_licence_id ON distribution (licence_id);

CREATE TABLE latest_observation (
    datastream_id INTEGER NOT NULL,
    phenomenon_time TIMESTAMP WITH TIME ZONE NOT NULL,
    phenomenon_end TIMESTAMP WITH TIME ZONE,
    result DOUBLE PRECISION,
    quality observation_quality NOT NULL,
    CONSTRAINT pk_latest_observation PRIMARY KEY (datastream_id),
    CONSTRAINT fk_latest_observation_datastream_id FOREIGN KEY(datastream_id) REFERENCES datastream (id) ON DELETE CASCADE
);

insert into policy_epoch (single, epoch) values (true, 1);

-- whatever may change a decision moves the epoch, so that cached decisions end with the transaction that outdates them
create function advance_policy_epoch() returns trigger language plpgsql as $$
begin
    update policy_epoch set epoch = epoch + 1;
    return null;
end $$;

create trigger dataset_decides after insert or delete or update of tier, key on dataset
    for each statement execute function advance_policy_epoch();

create trigger agreement_decides after insert or delete or update on agreement
    for each statement execute function advance_policy_epoch();

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'table % is append-only: % is refused', tg_table_name, tg_op using errcode = 'insufficient_privilege';
end $$;

create trigger access_record_append_only before update or delete or truncate on access_record
    for each statement execute function refuse_change();

create trigger operation_append_only before update or delete or truncate on operation
    for each statement execute function refuse_change();
"""


def upgrade() -> None:
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute(SCHEMA)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup instead")
