-- The place of the next pack in the log. An append takes it under a lock that it keeps until its commit, so that places are
-- in the order of commits. What was locked before was a row: each append left a version of it that nothing could clear
-- away while a longer transaction went on, and the next append went through all of them.
LOCK TABLE log_head IN ACCESS EXCLUSIVE MODE;
CREATE SEQUENCE log_seq OWNED BY log.seq;
SELECT setval('log_seq', seq + 1, false) FROM log_head;
DROP TABLE log_head;
