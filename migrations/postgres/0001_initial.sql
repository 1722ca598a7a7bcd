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

-- Accepted events, by their identity. Time comes first, so that what is written together lies together.
CREATE TABLE events (
    at BIGINT NOT NULL,
    customer_no INTEGER NOT NULL,
    application_no INTEGER NOT NULL,
    helpline_no INTEGER NOT NULL,
    -- 0 for a display, else the contact method of a click.
    action SMALLINT NOT NULL,
    session UUID NOT NULL,
    PRIMARY KEY (at, customer_no, application_no, helpline_no, action, session)
);

-- Accepted events that are not in the figures yet, in packs, in the order of their commits.
CREATE TABLE event_queue (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    events BYTEA NOT NULL
);

-- What was received but not stored, by quarter hour (unix milliseconds): refused events by code, and duplicates.
CREATE TABLE intake_counts (
    quarter BIGINT NOT NULL,
    customer_no INTEGER NOT NULL,
    application_no INTEGER NOT NULL,
    code TEXT NOT NULL,
    events BIGINT NOT NULL,
    PRIMARY KEY (quarter, customer_no, application_no, code)
);

-- A session's events of one UTC day, packed, with their places in the customer's log.
CREATE TABLE session_days (
    day INTEGER NOT NULL,
    customer_no INTEGER NOT NULL,
    application_no INTEGER NOT NULL,
    session UUID NOT NULL,
    events BYTEA NOT NULL,
    PRIMARY KEY (day, customer_no, application_no, session)
);

-- A session's month in the customer's zone: first display and converting methods by helpline, packed.
CREATE TABLE session_months (
    month INTEGER NOT NULL,
    customer_no INTEGER NOT NULL,
    application_no INTEGER NOT NULL,
    session UUID NOT NULL,
    state BYTEA NOT NULL,
    PRIMARY KEY (month, customer_no, application_no, session)
);

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
