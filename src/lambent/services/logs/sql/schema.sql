-- CloudWatch Logs. Events are kept in chunks: one row holds the events of one stream that came together.
-- No chunk spans more than an hour of event time, so that a search need look back no further than that.

CREATE TABLE log_group (
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    retention_days INTEGER,
    UNIQUE (account, region, name)
);

CREATE TABLE log_group_tag (
    group_id INTEGER NOT NULL REFERENCES log_group (id) ON DELETE CASCADE,
    tag_key TEXT NOT NULL,
    tag_value TEXT NOT NULL,
    PRIMARY KEY (group_id, tag_key)
);

CREATE TABLE log_stream (
    id INTEGER PRIMARY KEY,
    group_id INTEGER NOT NULL REFERENCES log_group (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    first_event_ms INTEGER,
    last_event_ms INTEGER,
    last_ingestion_ms INTEGER,
    stored_bytes INTEGER NOT NULL DEFAULT 0,
    UNIQUE (group_id, name)
);

CREATE INDEX log_stream_by_time ON log_stream (group_id, coalesce(last_event_ms, 0), name);

CREATE TABLE log_chunk (
    id INTEGER PRIMARY KEY,
    group_id INTEGER NOT NULL REFERENCES log_group (id) ON DELETE CASCADE,
    stream_id INTEGER NOT NULL REFERENCES log_stream (id) ON DELETE CASCADE,
    first_ms INTEGER NOT NULL,
    last_ms INTEGER NOT NULL,
    ingested_ms INTEGER NOT NULL,
    event_count INTEGER NOT NULL,
    stored_bytes INTEGER NOT NULL,
    body BLOB NOT NULL
);

CREATE INDEX log_chunk_of_group ON log_chunk (group_id, first_ms, id, last_ms);
CREATE INDEX log_chunk_of_group_backward ON log_chunk (group_id, last_ms, id, first_ms);
CREATE INDEX log_chunk_of_stream ON log_chunk (stream_id, first_ms, id, last_ms);
CREATE INDEX log_chunk_of_stream_backward ON log_chunk (stream_id, last_ms, id, first_ms);

-- How far the journal has been moved into these tables; changed in the same transaction as they are.
CREATE TABLE journal_position (
    segment TEXT PRIMARY KEY,
    next_byte INTEGER NOT NULL
);
