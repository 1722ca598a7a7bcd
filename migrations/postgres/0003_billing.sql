CREATE TABLE rate_cards (
    id UUID NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    currency TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

-- What a card says from a month (counted from January 1970) on.
CREATE TABLE rate_card_versions (
    card_id UUID NOT NULL REFERENCES rate_cards (id),
    version BIGINT NOT NULL,
    effective_from BIGINT NOT NULL,
    -- As JSON.
    terms TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (card_id, version)
);

-- Which card prices a customer's months from one on; NULL: none does.
CREATE TABLE rate_card_assignments (
    customer_no BIGINT NOT NULL REFERENCES customers (no),
    from_month BIGINT NOT NULL,
    card_id UUID REFERENCES rate_cards (id),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (customer_no, from_month)
);

-- Issued statements. They never change, nor do the versions of cards that they were priced with.
CREATE TABLE statements (
    customer_no BIGINT NOT NULL REFERENCES customers (no),
    month BIGINT NOT NULL,
    -- The order in which the customer's were issued: 1, 2, 3 …
    issue BIGINT NOT NULL,
    card_id UUID NOT NULL,
    card_version BIGINT NOT NULL,
    currency TEXT NOT NULL,
    -- In minor units.
    total BIGINT NOT NULL,
    issued_at BIGINT NOT NULL,
    -- The statement as JSON.
    body TEXT NOT NULL,
    PRIMARY KEY (customer_no, month),
    UNIQUE (customer_no, issue)
);
CREATE INDEX statements_of_card ON statements (card_id, card_version, month);
CREATE INDEX statements_of_month ON statements (month, customer_no);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'an issued statement never changes';
END $$;
CREATE TRIGGER statements_stay BEFORE UPDATE OR DELETE ON statements
FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER statements_are_kept BEFORE TRUNCATE ON statements
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION refuse_change_if_used() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM statements WHERE card_id = OLD.card_id AND card_version = OLD.version) THEN
        RAISE EXCEPTION 'a version that a statement was priced with never changes';
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER used_versions_stay BEFORE UPDATE OR DELETE ON rate_card_versions
FOR EACH ROW EXECUTE FUNCTION refuse_change_if_used();

CREATE INDEX intake_of_customer ON intake_counts (customer_no, quarter);
