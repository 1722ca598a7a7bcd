-- What customers write for their reports: protocols that a law asks for, kept from one year to the next.
CREATE TABLE report_texts (
    customer_no BIGINT NOT NULL REFERENCES customers (no),
    key TEXT NOT NULL,
    text TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (customer_no, key)
);

-- How often a customer's reports were changed, and how many approved: whoever changes them writes here first, so that
-- two cannot approve at once what together would give a suppressed count away.
CREATE TABLE report_books (
    customer_no BIGINT NOT NULL PRIMARY KEY REFERENCES customers (no),
    changes BIGINT NOT NULL,
    approvals BIGINT NOT NULL
);

-- Versions of reports. Approved ones never change.
CREATE TABLE reports (
    customer_no BIGINT NOT NULL REFERENCES customers (no),
    id UUID NOT NULL,
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
);

CREATE FUNCTION refuse_change_if_approved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.approved_at IS NOT NULL THEN
        RAISE EXCEPTION 'an approved report never changes';
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER approved_reports_stay BEFORE UPDATE OR DELETE ON reports
FOR EACH ROW EXECUTE FUNCTION refuse_change_if_approved();

-- Customers' public pages of what they disclose.
CREATE TABLE disclosures (
    id UUID NOT NULL PRIMARY KEY,
    customer_no BIGINT NOT NULL UNIQUE REFERENCES customers (no),
    is_on BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT NOT NULL
);
