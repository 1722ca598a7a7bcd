-- Instants are unix milliseconds. Short numbers ("no") stand for ids in the large tables.

CREATE TABLE settings (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE customers (
    no BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id UUID NOT NULL UNIQUE,
    name TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    -- The zone that the count tables were made in; where it differs from time_zone they are made anew.
    figures_zone TEXT NOT NULL,
    -- Key of the HMAC that session ids are stored as.
    session_secret BYTEA NOT NULL,
    -- Events in the customer's log: the place of the latest.
    log_length BIGINT NOT NULL DEFAULT 0,
    catalogue_quota_per_day BIGINT,
    event_burst_per_second BIGINT,
    created_at BIGINT NOT NULL
);

CREATE TABLE applications (
    no BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id UUID NOT NULL UNIQUE,
    customer_no BIGINT NOT NULL REFERENCES customers (no),
    name TEXT NOT NULL,
    tier TEXT NOT NULL,
    client_id TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT,
    suspended_at BIGINT
);
CREATE INDEX applications_of_customer ON applications (customer_no);

CREATE TABLE application_secrets (
    id UUID NOT NULL PRIMARY KEY,
    application_no BIGINT NOT NULL REFERENCES applications (no),
    -- SHA-256 of the secret, which has 256 random bits.
    hash BYTEA NOT NULL,
    hint TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX secrets_of_application ON application_secrets (application_no);

CREATE TABLE users (
    id UUID NOT NULL PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    customer_no BIGINT REFERENCES customers (no),
    password_hash TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    disabled_at BIGINT
);

CREATE TABLE web_sessions (
    id TEXT NOT NULL PRIMARY KEY,
    user_id UUID,
    data TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX web_sessions_of_user ON web_sessions (user_id);
CREATE INDEX web_sessions_by_expiry ON web_sessions (expires_at);

-- Failed logins by account and by address, both hashed, in spans of time.
CREATE TABLE login_failures (
    span BIGINT NOT NULL,
    subject BYTEA NOT NULL,
    failures BIGINT NOT NULL,
    PRIMARY KEY (span, subject)
);

CREATE TABLE helplines (
    no BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    country_code TEXT NOT NULL,
    -- The helpline as JSON.
    body TEXT NOT NULL
);

-- Catalogue calls by the hour since 1970.
CREATE TABLE quota_hours (
    hour BIGINT NOT NULL,
    customer_no INTEGER NOT NULL,
    calls BIGINT NOT NULL,
    PRIMARY KEY (hour, customer_no)
);

-- Accepted events in blocks, by the span of time (its start) that they lie in. Partitions are months, made when needed.
CREATE TABLE event_blocks (
    span BIGINT NOT NULL,
    customer_no INTEGER NOT NULL,
    block BIGINT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    events INTEGER NOT NULL,
    pack BYTEA NOT NULL,
    PRIMARY KEY (span, customer_no, block)
) PARTITION BY RANGE (span);
-- Packed already: session keys do not compress.
ALTER TABLE event_blocks ALTER COLUMN pack SET STORAGE EXTERNAL;

-- What the writers have committed, in packs, until it is in the figures. (On SQLite in a file of its own.)
CREATE TABLE log (
    seq BIGINT NOT NULL PRIMARY KEY,
    writer UUID NOT NULL,
    number BIGINT NOT NULL,
    appended_at BIGINT NOT NULL,
    events BIGINT NOT NULL,
    pack BYTEA NOT NULL,
    UNIQUE (writer, number)
);
ALTER TABLE log ALTER COLUMN pack SET STORAGE EXTERNAL;

-- The place of the newest pack. Locked by each append until its commit, so that places are in the order of commits.
CREATE TABLE log_head (
    seq BIGINT NOT NULL
);
INSERT INTO log_head (seq) VALUES (0);

-- What was received but not stored, by quarter hour (unix milliseconds): refused events by code, and duplicates.
CREATE TABLE intake_counts (
    quarter BIGINT NOT NULL,
    customer_no INTEGER NOT NULL,
    application_no INTEGER NOT NULL,
    code TEXT NOT NULL,
    events BIGINT NOT NULL,
    PRIMARY KEY (quarter, customer_no, application_no, code)
);

-- What the aggregator knows of sessions, in runs that are written at once.
CREATE TABLE session_runs (
    customer_no INTEGER NOT NULL,
    run BIGINT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    events BIGINT NOT NULL,
    parts INTEGER NOT NULL,
    -- Tells which sessions are not in the run.
    filter BYTEA NOT NULL,
    PRIMARY KEY (customer_no, run)
);
ALTER TABLE session_runs ALTER COLUMN filter SET STORAGE EXTERNAL;

-- The sessions of a run, with their events, cut by their keys.
CREATE TABLE session_parts (
    customer_no INTEGER NOT NULL,
    run BIGINT NOT NULL,
    part INTEGER NOT NULL,
    pack BYTEA NOT NULL,
    PRIMARY KEY (customer_no, run, part)
);
ALTER TABLE session_parts ALTER COLUMN pack SET STORAGE EXTERNAL;

-- How far the figures are: one row.
CREATE TABLE aggregator (
    id BIGINT NOT NULL PRIMARY KEY,
    -- The place in the log up to which it is in the figures …
    applied BIGINT NOT NULL,
    -- … and up to which sessions are in runs.
    flushed BIGINT NOT NULL,
    -- The process that aggregates, and a number that it changes to show that it is alive.
    holder UUID,
    beat BIGINT NOT NULL
);
INSERT INTO aggregator (id, applied, flushed, beat) VALUES (1, 0, 0, 0);

CREATE TABLE figures (
    customer_no INTEGER NOT NULL,
    scope SMALLINT NOT NULL,
    grain SMALLINT NOT NULL,
    bucket BIGINT NOT NULL,
    application_no INTEGER NOT NULL,
    member BIGINT NOT NULL,
    method SMALLINT NOT NULL,
    gross_displays BIGINT NOT NULL,
    net_displays BIGINT NOT NULL,
    unique_displays BIGINT NOT NULL,
    reach BIGINT NOT NULL,
    gross_clicks BIGINT NOT NULL,
    net_clicks BIGINT NOT NULL,
    attributed_clicks BIGINT NOT NULL,
    unattributed_clicks BIGINT NOT NULL,
    conversions BIGINT NOT NULL,
    converted_sessions BIGINT NOT NULL,
    notifications BIGINT NOT NULL,
    PRIMARY KEY (customer_no, scope, grain, bucket, application_no, member, method)
);
