-- Accepted events, until they have been run or given up. Who is running one is not written down:
-- after a crash every event that is here is run again.
CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    qualifier TEXT NOT NULL,
    request_id TEXT NOT NULL,
    payload BLOB NOT NULL,
    trace_header TEXT NOT NULL,
    client_context TEXT NOT NULL,
    accepted_ms INTEGER NOT NULL,
    due_ms INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    requeues INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX events_due ON events (due_ms, id);
