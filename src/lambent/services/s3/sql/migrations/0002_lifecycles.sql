CREATE TABLE lifecycles (
    bucket_id INTEGER PRIMARY KEY REFERENCES buckets (id) ON DELETE CASCADE,
    due_ms INTEGER NOT NULL
) STRICT;

CREATE INDEX lifecycles_by_due ON lifecycles (due_ms);
