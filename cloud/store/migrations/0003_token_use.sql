-- When a token was last good for a request, to the minute.
ALTER TABLE tokens ADD COLUMN last_used BIGINT NOT NULL DEFAULT 0;
