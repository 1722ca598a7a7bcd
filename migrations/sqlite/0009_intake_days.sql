-- The counts of intake_counts by day (of UTC, its first instant in unix milliseconds), so that years are read as days.
CREATE TABLE intake_days (
    customer_no BIGINT NOT NULL,
    day BIGINT NOT NULL,
    application_no BIGINT NOT NULL,
    code TEXT NOT NULL,
    events BIGINT NOT NULL,
    PRIMARY KEY (customer_no, day, application_no, code)
) WITHOUT ROWID;

INSERT INTO intake_days (customer_no, day, application_no, code, events)
SELECT customer_no, quarter - quarter % 86400000, application_no, code, SUM(events)
FROM intake_counts
GROUP BY customer_no, quarter - quarter % 86400000, application_no, code;
