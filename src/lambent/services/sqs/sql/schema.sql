-- Amazon SQS. A queue's messages lie in a lane; a purge gives the queue a new one, and the old lane is emptied
-- bit by bit behind it. A message is two rows: what changes while it is handled, and its content, written once.

CREATE TABLE queue (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    lane INTEGER NOT NULL,
    handle_key BLOB NOT NULL,
    created_s INTEGER NOT NULL,
    modified_s INTEGER NOT NULL,
    purged_ms INTEGER NOT NULL DEFAULT 0,
    attributes TEXT NOT NULL,
    tags TEXT NOT NULL,
    UNIQUE (account, region, name)
);

CREATE TABLE lane (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    abandoned INTEGER NOT NULL DEFAULT 0
);

-- Names that may not be used again yet.
CREATE TABLE deleted_queue (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    deleted_ms INTEGER NOT NULL,
    PRIMARY KEY (account, region, name)
);

CREATE TABLE message (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    lane INTEGER NOT NULL,
    visible_ms INTEGER NOT NULL,
    sent_ms INTEGER NOT NULL,
    receives INTEGER NOT NULL DEFAULT 0,
    receives_before INTEGER NOT NULL DEFAULT 0,
    first_received_ms INTEGER NOT NULL DEFAULT 0,
    received_ms INTEGER NOT NULL DEFAULT 0,
    group_id INTEGER
);

CREATE INDEX message_by_visibility ON message (lane, visible_ms, id);
CREATE INDEX message_by_age ON message (lane, sent_ms);
CREATE INDEX message_of_group ON message (group_id, id) WHERE group_id IS NOT NULL;
CREATE INDEX message_out_of_group ON message (group_id, visible_ms) WHERE group_id IS NOT NULL AND receives > 0;

CREATE TABLE content (
    id INTEGER PRIMARY KEY,
    content BLOB NOT NULL
);

-- A group of a FIFO queue that has messages. Its next message may be taken at ready_ms.
CREATE TABLE message_group (
    id INTEGER PRIMARY KEY,
    lane INTEGER NOT NULL,
    name TEXT NOT NULL,
    ready_ms INTEGER NOT NULL,
    UNIQUE (lane, name)
);

CREATE INDEX message_group_by_readiness ON message_group (lane, ready_ms, id);

CREATE TABLE deduplication (
    queue_id INTEGER NOT NULL,
    scope TEXT NOT NULL,
    deduplication_id TEXT NOT NULL,
    message_id TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    PRIMARY KEY (queue_id, scope, deduplication_id)
) WITHOUT ROWID;

CREATE INDEX deduplication_by_expiry ON deduplication (expires_ms);

-- What a ReceiveMessage with a ReceiveRequestAttemptId was answered: message ids and receives, as JSON.
CREATE TABLE receive_attempt (
    queue_id INTEGER NOT NULL,
    attempt_id TEXT NOT NULL,
    expires_ms INTEGER NOT NULL,
    received TEXT NOT NULL,
    PRIMARY KEY (queue_id, attempt_id)
) WITHOUT ROWID;

CREATE INDEX receive_attempt_by_expiry ON receive_attempt (expires_ms);

CREATE TABLE move_task (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    handle TEXT NOT NULL UNIQUE,
    source_arn TEXT NOT NULL,
    destination_arn TEXT NOT NULL,
    per_second INTEGER NOT NULL,
    status TEXT NOT NULL,
    failure TEXT NOT NULL DEFAULT '',
    started_ms INTEGER NOT NULL,
    to_move INTEGER NOT NULL,
    moved INTEGER NOT NULL DEFAULT 0,
    last_message INTEGER NOT NULL
);

CREATE INDEX move_task_of_source ON move_task (source_arn, id);
