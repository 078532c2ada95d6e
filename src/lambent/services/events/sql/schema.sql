-- EventBridge. The default bus of an account and Region has a row only once something about it was set.
CREATE TABLE buses (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    policy TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    modified_ms INTEGER NOT NULL,
    PRIMARY KEY (account, region, name)
) STRICT;

-- `next_ms` is when a scheduled rule that is enabled fires next; NULL for all others.
CREATE TABLE rules (
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    bus TEXT NOT NULL,
    name TEXT NOT NULL,
    pattern TEXT NOT NULL,
    schedule TEXT NOT NULL,
    state TEXT NOT NULL,
    description TEXT NOT NULL,
    role_arn TEXT NOT NULL,
    anchor_ms INTEGER NOT NULL,
    next_ms INTEGER,
    UNIQUE (account, region, bus, name)
) STRICT;

CREATE INDEX rules_due ON rules (next_ms) WHERE next_ms IS NOT NULL;

-- `body` is the Target as JSON.
CREATE TABLE targets (
    rule_id INTEGER NOT NULL REFERENCES rules (id) ON DELETE CASCADE,
    target_id TEXT NOT NULL,
    arn TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (rule_id, target_id)
) STRICT;

CREATE INDEX targets_by_arn ON targets (arn);

CREATE TABLE tags (
    arn TEXT NOT NULL,
    tag_key TEXT NOT NULL,
    tag_value TEXT NOT NULL,
    PRIMARY KEY (arn, tag_key)
) STRICT;
