-- The time, in unix milliseconds, as far as the clock is believed where something would be lost for ever.
ALTER TABLE aggregator ADD COLUMN believed_at BIGINT;
