-- Deliveries that were accepted, until their target or their dead-letter queue has them. `body` is the
-- Delivery as JSON. Who is trying one is not written down: after a crash all that are here are tried again.
CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    body BLOB NOT NULL,
    due_ms INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX deliveries_due ON deliveries (due_ms, id);
