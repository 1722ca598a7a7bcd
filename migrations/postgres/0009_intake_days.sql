-- A process of an earlier version that still runs must fail rather than count what it knows in its own way: it would leave
-- days without counts, and take filters of sessions for what they are not.
ALTER TABLE intake_counts RENAME TO intake_quarters;
ALTER TABLE session_runs RENAME COLUMN filter TO session_filter;

-- The counts of intake_quarters by day (of UTC, its first instant in unix milliseconds), so that years are read as days.
CREATE TABLE intake_days (
    customer_no INTEGER NOT NULL,
    day BIGINT NOT NULL,
    application_no INTEGER NOT NULL,
    code TEXT NOT NULL,
    events BIGINT NOT NULL,
    PRIMARY KEY (customer_no, day, application_no, code)
);

INSERT INTO intake_days (customer_no, day, application_no, code, events)
SELECT customer_no, quarter - quarter % 86400000, application_no, code, SUM(events)
FROM intake_quarters
GROUP BY customer_no, quarter - quarter % 86400000, application_no, code;
