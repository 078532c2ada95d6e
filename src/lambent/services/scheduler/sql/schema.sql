-- EventBridge Scheduler. The group `default` has no row.
CREATE TABLE schedule_groups (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    modified_ms INTEGER NOT NULL,
    PRIMARY KEY (account, region, name)
) STRICT;

-- `plan` is the Plan as JSON. `due_ms` is NULL for a schedule that does not fire.
CREATE TABLE schedules (
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    group_name TEXT NOT NULL,
    name TEXT NOT NULL,
    plan TEXT NOT NULL,
    anchor_ms INTEGER NOT NULL,
    moment_ms INTEGER,
    due_ms INTEGER,
    created_ms INTEGER NOT NULL,
    modified_ms INTEGER NOT NULL,
    UNIQUE (account, region, group_name, name)
) STRICT;

CREATE INDEX schedules_due ON schedules (due_ms) WHERE due_ms IS NOT NULL;

-- What client tokens were used for: a request that is sent again is answered as it was the first time.
CREATE TABLE client_tokens (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    token TEXT NOT NULL,
    request TEXT NOT NULL,
    answer TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (account, region, token)
) STRICT;

CREATE INDEX client_tokens_by_age ON client_tokens (at_ms);

CREATE TABLE tags (
    arn TEXT NOT NULL,
    tag_key TEXT NOT NULL,
    tag_value TEXT NOT NULL,
    PRIMARY KEY (arn, tag_key)
) STRICT;
