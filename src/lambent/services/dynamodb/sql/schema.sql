-- Amazon DynamoDB. The items of a table lie in its space, those of each of its indexes in a space of their own; both by
-- keys.py's bytes. A space that was given up is emptied bit by bit.

CREATE TABLE definition (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    definition BLOB NOT NULL,
    PRIMARY KEY (account, region, name)
) WITHOUT ROWID;

CREATE TABLE space (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    items INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0,
    abandoned INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE item (
    space INTEGER NOT NULL,
    partition BLOB NOT NULL,
    sort BLOB NOT NULL,
    item BLOB NOT NULL,
    PRIMARY KEY (space, partition, sort)
) WITHOUT ROWID;

CREATE TABLE expiry (
    space INTEGER NOT NULL,
    expires_s INTEGER NOT NULL,
    partition BLOB NOT NULL,
    sort BLOB NOT NULL,
    PRIMARY KEY (space, expires_s, partition, sort)
) WITHOUT ROWID;

-- Streams stay for 24 hours after they were switched off.
CREATE TABLE stream (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    label TEXT NOT NULL,
    view TEXT NOT NULL,
    key_schema BLOB NOT NULL,
    created_ms INTEGER NOT NULL,
    closed_ms INTEGER,
    UNIQUE (account, region, name, label)
);

CREATE TABLE shard (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    stream INTEGER NOT NULL,
    parent INTEGER,
    name TEXT NOT NULL,
    first_sequence INTEGER NOT NULL,
    last_sequence INTEGER,
    closed_ms INTEGER
);

CREATE INDEX shard_of_stream ON shard (stream, id);

CREATE TABLE record (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    shard INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    record BLOB NOT NULL
);

CREATE INDEX record_of_shard ON record (shard, sequence);
CREATE INDEX record_by_age ON record (created_ms);

-- Transactions that were done, by the token of the request.
CREATE TABLE token (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    token TEXT NOT NULL,
    digest BLOB NOT NULL,
    answer BLOB NOT NULL,
    expires_ms INTEGER NOT NULL,
    PRIMARY KEY (account, region, token)
) WITHOUT ROWID;

CREATE INDEX token_by_expiry ON token (expires_ms);
