-- What waits already shares the lane of those without a name.
DROP INDEX deliveries_due;

DROP INDEX deliveries_of_line;

ALTER TABLE deliveries RENAME TO old_deliveries;

CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    lane TEXT NOT NULL,
    body BLOB NOT NULL,
    due_ms INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    line TEXT NOT NULL DEFAULT ''
) STRICT;

INSERT INTO deliveries (id, account, region, lane, body, due_ms, attempts, line)
SELECT id, account, region, '', body, due_ms, attempts, line FROM old_deliveries;

DROP TABLE old_deliveries;

CREATE INDEX deliveries_due ON deliveries (due_ms, id);

CREATE INDEX deliveries_of_line ON deliveries (line, id) WHERE line != '';

CREATE INDEX deliveries_of_lane ON deliveries (lane, due_ms, id);
