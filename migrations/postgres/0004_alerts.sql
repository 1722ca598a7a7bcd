-- Endpoints that are called with alerts.
CREATE TABLE webhooks (
    customer_no BIGINT NOT NULL REFERENCES customers (no),
    id UUID NOT NULL,
    url TEXT NOT NULL,
    -- In the clear, as every call is signed with it.
    secret TEXT NOT NULL,
    -- The secret before, with which calls are signed as well until the instant.
    old_secret TEXT,
    old_secret_until BIGINT,
    created_at BIGINT NOT NULL,
    disabled_at BIGINT,
    PRIMARY KEY (customer_no, id)
);

CREATE TABLE alerts (
    customer_no BIGINT NOT NULL REFERENCES customers (no),
    id UUID NOT NULL,
    name TEXT NOT NULL,
    -- As JSON. Another rule is another revision, which has not fired yet.
    rule TEXT NOT NULL,
    revision BIGINT NOT NULL,
    -- Addresses as a JSON list.
    emails TEXT NOT NULL,
    webhook_id UUID,
    created_at BIGINT NOT NULL,
    -- When the revision fired last, and for which occasion.
    fired_at BIGINT,
    fired_occasion BIGINT,
    PRIMARY KEY (customer_no, id)
);

-- An alert fires once for each occasion, whichever process finds out.
CREATE TABLE alert_firings (
    customer_no BIGINT NOT NULL,
    alert_id UUID NOT NULL,
    revision BIGINT NOT NULL,
    occasion BIGINT NOT NULL,
    fired_at BIGINT NOT NULL,
    PRIMARY KEY (customer_no, alert_id, revision, occasion)
);
CREATE INDEX alert_firings_by_time ON alert_firings (fired_at);

-- Messages on their way, and the log of those that were.
CREATE TABLE deliveries (
    customer_no BIGINT NOT NULL,
    id UUID NOT NULL,
    alert_id UUID,
    webhook_id UUID,
    channel TEXT NOT NULL,
    -- The address or URL.
    target TEXT NOT NULL,
    subject TEXT NOT NULL,
    payload TEXT NOT NULL,
    status TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    -- When it is tried next; while it is being tried, when another process may take it over. NULL: never.
    next_attempt_at BIGINT,
    response_status BIGINT,
    note TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    delivered_at BIGINT,
    PRIMARY KEY (customer_no, id)
);
CREATE INDEX deliveries_due ON deliveries (next_attempt_at) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX deliveries_by_age ON deliveries (created_at);
