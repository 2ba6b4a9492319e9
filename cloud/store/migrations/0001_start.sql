-- Times are nanoseconds since 1970 in UTC, 0 for never. Identifiers and keys
-- are raw bytes.

CREATE TABLE users (
    id            TEXT PRIMARY KEY,
    username      TEXT NOT NULL UNIQUE,
    admin         BOOLEAN NOT NULL,
    password_hash TEXT NOT NULL,
    created       BIGINT NOT NULL
);

CREATE TABLE tokens (
    hash    BYTEA PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    client  TEXT NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    scopes  TEXT NOT NULL -- separated by spaces; empty: all
);
CREATE INDEX tokens_user ON tokens (user_id);

CREATE TABLE devices (
    id             BYTEA PRIMARY KEY,
    name           TEXT NOT NULL DEFAULT '',
    name_key       TEXT NOT NULL DEFAULT '', -- the name in lower case, as it is compared
    owner          TEXT REFERENCES users (id), -- null: nobody has claimed it
    product        BIGINT NOT NULL DEFAULT 0,
    platform       BIGINT NOT NULL DEFAULT 0,
    firmware       BIGINT NOT NULL DEFAULT 0,
    system         BIGINT NOT NULL DEFAULT 0,
    created        BIGINT NOT NULL,
    last_heard     BIGINT NOT NULL DEFAULT 0,
    last_handshake BIGINT NOT NULL DEFAULT 0,
    last_address   TEXT NOT NULL DEFAULT '',
    offers         TEXT NOT NULL DEFAULT '', -- functions and variables, JSON
    described      BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX devices_name ON devices (owner, name_key) WHERE name_key <> '';
CREATE INDEX devices_owner ON devices (owner);

-- Every key that a device ever had. The one in force has retired = 0.
CREATE TABLE device_keys (
    device      BYTEA NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    fingerprint BYTEA NOT NULL,
    algorithm   TEXT NOT NULL,
    spki        BYTEA NOT NULL,
    added       BIGINT NOT NULL,
    retired     BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX device_keys_current ON device_keys (device) WHERE retired = 0;
CREATE UNIQUE INDEX device_keys_fingerprint ON device_keys (fingerprint) WHERE retired = 0;
CREATE INDEX device_keys_history ON device_keys (device, added);

CREATE TABLE sessions (
    device     BYTEA PRIMARY KEY REFERENCES devices (id) ON DELETE CASCADE,
    cid        BYTEA NOT NULL,
    transport  TEXT NOT NULL,
    generation BIGINT NOT NULL,
    state      BYTEA NOT NULL, -- the session's own encoding
    updated    BIGINT NOT NULL
);

-- No reference to devices: strangers knock too.
CREATE TABLE attempts (
    id        TEXT PRIMARY KEY,
    device    BYTEA NOT NULL, -- zeros: nobody said who it is
    proven    BOOLEAN NOT NULL, -- the device's key proved that it is this device
    transport TEXT NOT NULL,
    source    TEXT NOT NULL,
    gateway   TEXT NOT NULL,
    started   BIGINT NOT NULL,
    ended     BIGINT NOT NULL,
    stages    TEXT NOT NULL, -- JSON
    outcome   BIGINT NOT NULL,
    reason    TEXT NOT NULL,
    detail    TEXT NOT NULL
);
CREATE INDEX attempts_device ON attempts (device, started);
CREATE INDEX attempts_age ON attempts (proven, started);
