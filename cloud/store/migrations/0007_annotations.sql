-- What was done to the cloud itself, and what that cost: starts, stops,
-- crashes, upgrades. A count of -1 is not known.
CREATE TABLE annotations (
    id           TEXT PRIMARY KEY, -- sortable by time
    at           BIGINT NOT NULL,
    kind         TEXT NOT NULL,
    node         TEXT NOT NULL,
    author       TEXT NOT NULL,
    from_version TEXT NOT NULL,
    to_version   TEXT NOT NULL,
    sessions     BIGINT NOT NULL, -- that went on
    ended        BIGINT NOT NULL, -- that did not
    freeze       BIGINT NOT NULL, -- in which nobody served, nanoseconds
    detail       TEXT NOT NULL
);
CREATE INDEX annotations_at ON annotations (at);
