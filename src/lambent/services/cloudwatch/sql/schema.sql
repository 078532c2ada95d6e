-- CloudWatch metrics: which there are, and their points.
-- A point holds everything that fell into one span of time (1 s, 1 min, 5 min or 1 h) under one unit. Each value is in
-- exactly one point: spans grow as points age, see retention.py.

CREATE TABLE metric (
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    dimensions TEXT NOT NULL,
    last_s INTEGER NOT NULL,
    UNIQUE (account, region, namespace, name, dimensions)
);

CREATE TABLE point (
    metric_id INTEGER NOT NULL REFERENCES metric (id) ON DELETE CASCADE,
    start_s INTEGER NOT NULL,
    span_s INTEGER NOT NULL,
    unit TEXT NOT NULL,
    sample_count REAL NOT NULL,
    total REAL NOT NULL,
    minimum REAL NOT NULL,
    maximum REAL NOT NULL,
    sketch BLOB,
    PRIMARY KEY (metric_id, start_s, span_s, unit)
);

CREATE INDEX point_by_age ON point (span_s, start_s);

-- How far the journal has been moved into these tables; changed in the same transaction as they are.
CREATE TABLE journal_position (
    segment TEXT PRIMARY KEY,
    next_byte INTEGER NOT NULL
);

-- What each function has done since its first invocation; `what` is a counter, or a bucket of its durations.
CREATE TABLE function_total (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    function TEXT NOT NULL,
    what TEXT NOT NULL,
    value REAL NOT NULL,
    PRIMARY KEY (account, region, function, what)
);
