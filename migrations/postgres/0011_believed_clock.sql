-- The time, in unix milliseconds, as far as the clock is believed where something would be lost for ever. It goes on from the
-- newest event.
ALTER TABLE aggregator ADD COLUMN believed_at BIGINT;
UPDATE aggregator SET believed_at = (SELECT MAX(span) FROM event_blocks);
