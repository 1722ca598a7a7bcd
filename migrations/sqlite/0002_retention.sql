-- Months that raw events are kept for; NULL: as the installation is set.
ALTER TABLE customers ADD COLUMN event_retention_months BIGINT;
-- Raw events before this instant have been given up; NULL: none have.
ALTER TABLE customers ADD COLUMN events_from BIGINT;
