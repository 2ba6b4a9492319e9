-- Codes that make a device its owner's, once. Only their hashes are kept.
CREATE TABLE claim_codes (
    hash    BYTEA PRIMARY KEY,
    owner   TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    expires BIGINT NOT NULL
);
CREATE INDEX claim_codes_owner ON claim_codes (owner);
