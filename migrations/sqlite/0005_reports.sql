-- What customers write for their reports: protocols that a law asks for, kept from one year to the next.
CREATE TABLE report_texts (
    customer_no BIGINT NOT NULL REFERENCES customers (no),
    key TEXT NOT NULL,
    text TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (customer_no, key)
) WITHOUT ROWID;

-- How often a customer's reports were changed, and how many approved: whoever changes them writes here first, so that
-- two cannot approve at once what together would give a suppressed count away.
CREATE TABLE report_books (
    customer_no BIGINT NOT NULL PRIMARY KEY REFERENCES customers (no),
    changes BIGINT NOT NULL,
    approvals BIGINT NOT NULL
) WITHOUT ROWID;

-- Versions of reports. Approved ones never change.
CREATE TABLE reports (
    customer_no BIGINT NOT NULL REFERENCES customers (no),
    id BLOB NOT NULL,
    template TEXT NOT NULL,
    -- Months, counted from January 1970; the last is inclusive.
    first_month BIGINT NOT NULL,
    last_month BIGINT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    -- The customer's approvals when it was counted.
    approvals_before BIGINT NOT NULL,
    approved_at BIGINT,
    approved_by TEXT,
    -- What is printed, as JSON.
    body TEXT NOT NULL,
    PRIMARY KEY (customer_no, id),
    UNIQUE (customer_no, template, first_month, last_month, version)
) WITHOUT ROWID;

CREATE TRIGGER approved_reports_stay BEFORE UPDATE ON reports WHEN OLD.approved_at IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'an approved report never changes'); END;
CREATE TRIGGER approved_reports_are_kept BEFORE DELETE ON reports WHEN OLD.approved_at IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'an approved report is never deleted'); END;

-- Customers' public pages of what they disclose.
CREATE TABLE disclosures (
    id BLOB NOT NULL PRIMARY KEY,
    customer_no BIGINT NOT NULL UNIQUE REFERENCES customers (no),
    is_on BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT NOT NULL
) WITHOUT ROWID;
