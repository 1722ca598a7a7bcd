-- Counts from 1 up to, not including, this are suppressed in the customer's reports; NULL: as the installation is set.
ALTER TABLE customers ADD COLUMN suppress_below BIGINT;

-- What was done, and by whom. Nothing in it ever changes or goes away.
CREATE TABLE audit_log (
    -- Begins with the millisecond, so that entries sort by time.
    id UUID NOT NULL PRIMARY KEY,
    -- Whose data it is about; NULL for the installation's.
    customer_no BIGINT REFERENCES customers (no),
    at BIGINT NOT NULL,
    -- An e-mail address, an application, a link or the command line.
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    -- What it was done to, in a few words.
    subject TEXT NOT NULL,
    -- JSON.
    details TEXT NOT NULL
);
CREATE INDEX audit_log_of_customer ON audit_log (customer_no, id);

CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log never changes';
END $$;
CREATE TRIGGER audit_log_stays BEFORE UPDATE OR DELETE ON audit_log
FOR EACH ROW EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER audit_log_is_kept BEFORE TRUNCATE ON audit_log
FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();

-- Exports: files that are being written or were, and answers of the API.
CREATE TABLE exports (
    customer_no BIGINT NOT NULL REFERENCES customers (no),
    id UUID NOT NULL,
    requested_at BIGINT NOT NULL,
    requested_by TEXT NOT NULL,
    -- What was asked for, as JSON.
    form TEXT NOT NULL,
    -- queued, running, done, failed or cancelled.
    status TEXT NOT NULL,
    -- How far it is, in thousandths.
    progress BIGINT NOT NULL,
    -- The place in the customer's log up to which raw events take part: a second try writes the same file.
    log_length BIGINT,
    -- The process that writes it, and until when it is thought to be alive.
    claimed_by UUID,
    claimed_until BIGINT,
    tries BIGINT NOT NULL,
    -- Of a whole file, as JSON.
    manifest TEXT,
    -- And its size.
    bytes BIGINT,
    -- Why it failed.
    error TEXT,
    ended_at BIGINT,
    -- Until when its file is kept; NULL if this installation keeps none.
    file_expires_at BIGINT,
    PRIMARY KEY (customer_no, id)
);
CREATE INDEX exports_to_do ON exports (status, id);
CREATE INDEX exports_with_file ON exports (customer_no, file_expires_at);

-- Files of history that were brought in.
CREATE TABLE imports (
    customer_no BIGINT NOT NULL REFERENCES customers (no),
    id UUID NOT NULL,
    started_at BIGINT NOT NULL,
    started_by TEXT NOT NULL,
    file TEXT NOT NULL,
    -- SHA-256 of the file and of how it was read, in hexadecimal.
    fingerprint TEXT NOT NULL,
    -- 1: events; 0: counts alone, of which no session is known.
    has_sessions BIGINT NOT NULL,
    -- running, done or withdrawn.
    status TEXT NOT NULL,
    rows_total BIGINT NOT NULL,
    rows_done BIGINT NOT NULL,
    -- Events that were new; displays and clicks, of counts alone.
    added BIGINT NOT NULL,
    -- As JSON: its applications, and the days of the customer's zone that it covers of each.
    covered TEXT NOT NULL,
    ended_at BIGINT,
    PRIMARY KEY (customer_no, id)
);

-- Counts of history whose sessions are not known.
CREATE TABLE imported_counts (
    customer_no BIGINT NOT NULL REFERENCES customers (no),
    day BIGINT NOT NULL,
    application_no BIGINT NOT NULL,
    helpline_no BIGINT NOT NULL,
    -- 0: displays; the others are the ways of contact of clicks.
    action BIGINT NOT NULL,
    import_id UUID NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (customer_no, day, application_no, helpline_no, action, import_id)
);
CREATE INDEX imported_counts_of_import ON imported_counts (import_id);

-- Links that open what an auditor may read, for a while.
CREATE TABLE access_links (
    id UUID NOT NULL PRIMARY KEY,
    -- Whose data it opens; NULL for all customers'.
    customer_no BIGINT REFERENCES customers (no),
    -- Whom it is for.
    name TEXT NOT NULL,
    -- SHA-256 of the token, which has 256 random bits.
    token_hash BYTEA NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT,
    last_used_at BIGINT
);
CREATE INDEX access_links_of_customer ON access_links (customer_no, id);
