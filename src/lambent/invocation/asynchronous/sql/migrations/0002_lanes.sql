DROP INDEX events_due;

CREATE INDEX events_of_function ON events (account, region, name, due_ms, id);
