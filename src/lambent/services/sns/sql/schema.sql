-- SNS. `sequence` counts the messages of a FIFO topic; `deleted` the subscriptions that are gone.
CREATE TABLE topics (
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    attributes TEXT NOT NULL,
    tags TEXT NOT NULL,
    deleted INTEGER NOT NULL DEFAULT 0,
    sequence INTEGER NOT NULL DEFAULT 0,
    UNIQUE (account, region, name)
) STRICT;

-- A pending one is there until `expires_ms`, unless it is confirmed.
CREATE TABLE subscriptions (
    arn TEXT PRIMARY KEY,
    topic_id INTEGER NOT NULL REFERENCES topics (id) ON DELETE CASCADE,
    owner TEXT NOT NULL,
    region TEXT NOT NULL,
    protocol TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    pending INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (topic_id, protocol, endpoint)
) STRICT;

CREATE INDEX subscriptions_of_owner ON subscriptions (owner, region, arn);

-- What was published to FIFO topics in the last five minutes.
CREATE TABLE deduplication (
    topic_id INTEGER NOT NULL REFERENCES topics (id) ON DELETE CASCADE,
    scope TEXT NOT NULL,
    deduplication_id TEXT NOT NULL,
    message_id TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    PRIMARY KEY (topic_id, scope, deduplication_id)
) STRICT;

CREATE INDEX deduplication_expired ON deduplication (expires_ms);
