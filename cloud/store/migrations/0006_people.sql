-- What users tell of themselves.
ALTER TABLE users ADD COLUMN info TEXT NOT NULL DEFAULT ''; -- JSON; empty: nothing

-- Programs that act for a user, and their tokens.
CREATE TABLE services (
    id      TEXT PRIMARY KEY,
    owner   TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name    TEXT NOT NULL,
    scopes  TEXT NOT NULL, -- separated by spaces, never empty
    created BIGINT NOT NULL
);
CREATE UNIQUE INDEX services_name ON services (owner, name);
ALTER TABLE tokens ADD COLUMN service TEXT REFERENCES services (id) ON DELETE CASCADE; -- null: the user's own
CREATE INDEX tokens_service ON tokens (service);

-- What users prove besides the password.
CREATE TABLE second_factors (
    user_id   TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    secret    BYTEA NOT NULL,
    last_step BIGINT NOT NULL, -- the half minute whose code was used last
    created   BIGINT NOT NULL
);
CREATE TABLE recovery_codes (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    hash    BYTEA NOT NULL,
    PRIMARY KEY (user_id, hash)
);
CREATE TABLE tickets (
    hash     BYTEA PRIMARY KEY,
    user_id  TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    secret   BYTEA, -- null: a login
    lifetime BIGINT NOT NULL, -- nanoseconds
    scopes   TEXT NOT NULL,
    client   TEXT NOT NULL,
    tries    BIGINT NOT NULL DEFAULT 0,
    expires  BIGINT NOT NULL
);
CREATE INDEX tickets_user ON tickets (user_id);

-- Devices that somebody wants to have of their owners.
CREATE TABLE transfers (
    id      TEXT PRIMARY KEY,
    device  BYTEA NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    owner   TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    wants   TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL
);
CREATE UNIQUE INDEX transfers_once ON transfers (device, wants);
CREATE INDEX transfers_owner ON transfers (owner);
CREATE INDEX transfers_wants ON transfers (wants);

-- Who did what. No reference to users: what somebody did outlives him.
CREATE TABLE audit (
    id      TEXT PRIMARY KEY, -- sorts by time
    at      BIGINT NOT NULL,
    user_id TEXT NOT NULL, -- empty: nobody knows
    service TEXT NOT NULL,
    token   TEXT NOT NULL, -- the first digits of its hash
    source  TEXT NOT NULL,
    action  TEXT NOT NULL,
    object  TEXT NOT NULL,
    outcome TEXT NOT NULL,
    request TEXT NOT NULL
);
CREATE INDEX audit_user ON audit (user_id, id);

-- What devices said of their health.
CREATE TABLE vitals (
    device  BYTEA NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    at      BIGINT NOT NULL,
    payload TEXT NOT NULL, -- JSON
    PRIMARY KEY (device, at)
);
CREATE INDEX vitals_age ON vitals (at);
