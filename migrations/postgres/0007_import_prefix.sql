-- SHA-256, in hexadecimal, of the rows that an import has brought in so far; NULL: of none, or not known.
ALTER TABLE imports ADD COLUMN brought TEXT;
