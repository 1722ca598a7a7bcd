-- Only Postgres needs a sequence: here a pack's place in the log is its row number.
SELECT 1;
