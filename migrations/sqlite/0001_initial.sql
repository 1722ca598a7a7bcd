-- Instants are unix milliseconds. Short numbers ("no") stand for ids in the large tables.

CREATE TABLE settings (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE customers (
    no INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL UNIQUE,
    name TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    -- The zone that the count tables were made in; where it differs from time_zone they are made anew.
    figures_zone TEXT NOT NULL,
    -- Key of the HMAC that session ids are stored as.
    session_secret BLOB NOT NULL,
    -- Events in the customer's log: the place of the latest.
    log_length BIGINT NOT NULL DEFAULT 0,
    catalogue_quota_per_day BIGINT,
    event_burst_per_second BIGINT,
    created_at BIGINT NOT NULL
);

CREATE TABLE applications (
    no INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL UNIQUE,
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
    id BLOB NOT NULL PRIMARY KEY,
    application_no BIGINT NOT NULL REFERENCES applications (no),
    -- SHA-256 of the secret, which has 256 random bits.
    hash BLOB NOT NULL,
    hint TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT
) WITHOUT ROWID;
CREATE INDEX secrets_of_application ON application_secrets (application_no);

CREATE TABLE users (
    id BLOB NOT NULL PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    customer_no BIGINT REFERENCES customers (no),
    password_hash TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    disabled_at BIGINT
) WITHOUT ROWID;

CREATE TABLE web_sessions (
    id TEXT NOT NULL PRIMARY KEY,
    user_id BLOB,
    data TEXT NOT NULL,
    expires_at BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX web_sessions_of_user ON web_sessions (user_id);
CREATE INDEX web_sessions_by_expiry ON web_sessions (expires_at);

-- Failed logins by account and by address, both hashed, in spans of time.
CREATE TABLE login_failures (
    span BIGINT NOT NULL,
    subject BLOB NOT NULL,
    failures BIGINT NOT NULL,
    PRIMARY KEY (span, subject)
) WITHOUT ROWID;

CREATE TABLE helplines (
    no INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    country_code TEXT NOT NULL,
    -- The helpline as JSON.
    body TEXT NOT NULL
);

-- Catalogue calls by the hour since 1970.
CREATE TABLE quota_hours (
    hour BIGINT NOT NULL,
    customer_no BIGINT NOT NULL,
    calls BIGINT NOT NULL,
    PRIMARY KEY (hour, customer_no)
) WITHOUT ROWID;

-- Accepted events in blocks, by the span of time (its start) that they lie in.
CREATE TABLE event_blocks (
    span BIGINT NOT NULL,
    customer_no BIGINT NOT NULL,
    block BIGINT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    events BIGINT NOT NULL,
    pack BLOB NOT NULL,
    PRIMARY KEY (span, customer_no, block)
);

-- What was received but not stored, by quarter hour (unix milliseconds): refused events by code, and duplicates.
CREATE TABLE intake_counts (
    quarter BIGINT NOT NULL,
    customer_no BIGINT NOT NULL,
    application_no BIGINT NOT NULL,
    code TEXT NOT NULL,
    events BIGINT NOT NULL,
    PRIMARY KEY (quarter, customer_no, application_no, code)
) WITHOUT ROWID;

-- What the aggregator knows of sessions, in runs that are written at once.
CREATE TABLE session_runs (
    customer_no BIGINT NOT NULL,
    run BIGINT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    events BIGINT NOT NULL,
    parts BIGINT NOT NULL,
    -- Tells which sessions are not in the run.
    filter BLOB NOT NULL,
    PRIMARY KEY (customer_no, run)
);

-- The sessions of a run, with their events, cut by their keys.
CREATE TABLE session_parts (
    customer_no BIGINT NOT NULL,
    run BIGINT NOT NULL,
    part BIGINT NOT NULL,
    pack BLOB NOT NULL,
    PRIMARY KEY (customer_no, run, part)
);

-- How far the figures are: one row.
CREATE TABLE aggregator (
    id BIGINT NOT NULL PRIMARY KEY,
    -- The place in the log up to which it is in the figures …
    applied BIGINT NOT NULL,
    -- … and up to which sessions are in runs.
    flushed BIGINT NOT NULL,
    -- The process that aggregates, and a number that it changes to show that it is alive.
    holder BLOB,
    beat BIGINT NOT NULL
);
INSERT INTO aggregator (id, applied, flushed, beat) VALUES (1, 0, 0, 0);

CREATE TABLE figures (
    customer_no BIGINT NOT NULL,
    scope BIGINT NOT NULL,
    grain BIGINT NOT NULL,
    bucket BIGINT NOT NULL,
    application_no BIGINT NOT NULL,
    member BIGINT NOT NULL,
    method BIGINT NOT NULL,
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
) WITHOUT ROWID;
