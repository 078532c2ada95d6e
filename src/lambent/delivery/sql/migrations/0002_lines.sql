-- Deliveries may stand in lines. The table is made anew, so that it reads as schema.sql does.
DROP INDEX deliveries_due;

ALTER TABLE deliveries RENAME TO old_deliveries;

CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    body BLOB NOT NULL,
    due_ms INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    line TEXT NOT NULL DEFAULT ''
) STRICT;

INSERT INTO deliveries (id, account, region, body, due_ms, attempts)
SELECT id, account, region, body, due_ms, attempts FROM old_deliveries;

DROP TABLE old_deliveries;

CREATE INDEX deliveries_due ON deliveries (due_ms, id);

CREATE INDEX deliveries_of_line ON deliveries (line, id) WHERE line != '';
