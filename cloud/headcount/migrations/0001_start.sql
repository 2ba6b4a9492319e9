-- What a node counted of an owner's devices in an hour, a count a minute.
CREATE TABLE hours (
    owner TEXT   NOT NULL, -- '*': everybody
    hour  BIGINT NOT NULL, -- hours since 1970 in UTC
    node  TEXT   NOT NULL,
    body  BYTEA  NOT NULL, -- as block.go encodes it
    PRIMARY KEY (owner, hour, node)
);
CREATE INDEX hours_age ON hours (hour);
