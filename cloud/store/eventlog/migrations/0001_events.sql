CREATE TABLE events (
    seq    INTEGER PRIMARY KEY AUTOINCREMENT,
    owner  TEXT    NOT NULL,
    public BOOLEAN NOT NULL,
    stored BIGINT  NOT NULL, -- ms since 1970
    body   BYTEA   NOT NULL  -- as cloud/event encodes it
);
CREATE INDEX events_owner ON events (owner, seq);

-- Of each owner the last event that is not there any more; of '*' the last
-- public one.
CREATE TABLE dropped (
    owner TEXT PRIMARY KEY,
    seq   BIGINT NOT NULL
);
