-- Log streams. Pages go on after the stream that the page before ended with.

-- name: add_stream
INSERT INTO log_stream (group_id, name, created_ms)
VALUES (:group_id, :name, :created_ms);

-- name: stream_by_name
SELECT id, name FROM log_stream WHERE group_id = :group_id AND name = :name;

-- name: delete_stream
DELETE FROM log_stream WHERE id = :stream_id;

-- name: streams_by_name
SELECT name, created_ms, first_event_ms, last_event_ms, last_ingestion_ms
FROM log_stream
WHERE group_id = :group_id AND name >= :low AND name <= :high AND name > :after
ORDER BY name
LIMIT :limit;

-- name: streams_by_name_descending
SELECT name, created_ms, first_event_ms, last_event_ms, last_ingestion_ms
FROM log_stream
WHERE group_id = :group_id AND name >= :low AND name <= :high AND name < :after
ORDER BY name DESC
LIMIT :limit;

-- name: streams_by_time
SELECT name, created_ms, first_event_ms, last_event_ms, last_ingestion_ms
FROM log_stream
WHERE group_id = :group_id AND (coalesce(last_event_ms, 0), name) > (:after_ms, :after)
ORDER BY coalesce(last_event_ms, 0), name
LIMIT :limit;

-- name: streams_by_time_descending
SELECT name, created_ms, first_event_ms, last_event_ms, last_ingestion_ms
FROM log_stream
WHERE group_id = :group_id AND (coalesce(last_event_ms, 0), name) < (:after_ms, :after)
ORDER BY coalesce(last_event_ms, 0) DESC, name DESC
LIMIT :limit;

-- Make the stream if it is missing, and count in what it got.
-- name: grow_stream
INSERT INTO log_stream
    (group_id, name, created_ms, first_event_ms, last_event_ms, last_ingestion_ms, stored_bytes)
VALUES
    (:group_id, :name, :now_ms, :first_ms, :last_ms, :now_ms, :stored_bytes)
ON CONFLICT (group_id, name) DO UPDATE SET
    first_event_ms = CASE
        WHEN log_stream.first_event_ms <= excluded.first_event_ms THEN log_stream.first_event_ms
        ELSE excluded.first_event_ms END,
    last_event_ms = CASE
        WHEN log_stream.last_event_ms >= excluded.last_event_ms THEN log_stream.last_event_ms
        ELSE excluded.last_event_ms END,
    last_ingestion_ms = excluded.last_ingestion_ms,
    stored_bytes = log_stream.stored_bytes + excluded.stored_bytes
RETURNING id;

-- name: shrink_stream
UPDATE log_stream SET stored_bytes = stored_bytes - :stored_bytes WHERE id = :stream_id;
