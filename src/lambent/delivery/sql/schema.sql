-- Deliveries that were accepted, until their target or their dead-letter queue has them. `body` is the
-- Delivery as JSON. Who is trying one is not written down: after a crash all that are here are tried again. A
-- lane is what can be slow by itself: a target, or the host of a URL. Only the first of a line has a due time;
-- those behind it get theirs when it is gone.
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

CREATE INDEX deliveries_due ON deliveries (due_ms, id);

CREATE INDEX deliveries_of_line ON deliveries (line, id) WHERE line != '';

CREATE INDEX deliveries_of_lane ON deliveries (lane, due_ms, id);
