-- The session's own name, which it has also without a connection id. Zeros: the
-- row is from before there were names.
ALTER TABLE sessions ADD COLUMN origin BYTEA NOT NULL DEFAULT x'0000000000000000';
