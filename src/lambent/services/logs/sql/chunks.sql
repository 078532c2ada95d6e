-- Chunks of log events.
-- `lowest` and `highest` are the ends of the time range moved out by the longest span of a chunk.

-- name: add_chunk
INSERT INTO log_chunk
    (group_id, stream_id, first_ms, last_ms, ingested_ms, event_count, stored_bytes, body)
VALUES
    (:group_id, :stream_id, :first_ms, :last_ms, :ingested_ms, :event_count, :stored_bytes, :body);

-- name: chunks_of_stream
SELECT id, '' AS stream, first_ms, last_ms, ingested_ms, body
FROM log_chunk
WHERE stream_id = :stream_id
    AND first_ms >= :lowest AND first_ms <= :until_ms AND last_ms >= :from_ms
    AND (first_ms, id) > (:after_ms, :after_id)
ORDER BY first_ms, id
LIMIT :limit;

-- name: chunks_of_stream_backward
SELECT id, '' AS stream, first_ms, last_ms, ingested_ms, body
FROM log_chunk
WHERE stream_id = :stream_id
    AND last_ms <= :highest AND first_ms <= :until_ms AND last_ms >= :from_ms
    AND (last_ms, id) < (:after_ms, :after_id)
ORDER BY last_ms DESC, id DESC
LIMIT :limit;

-- name: chunks_of_group
SELECT c.id, s.name AS stream, c.first_ms, c.last_ms, c.ingested_ms, c.body
FROM log_chunk c
JOIN log_stream s ON s.id = c.stream_id
WHERE c.group_id = :group_id AND s.name >= :low AND s.name <= :high
    AND c.first_ms >= :lowest AND c.first_ms <= :until_ms AND c.last_ms >= :from_ms
    AND (c.first_ms, c.id) > (:after_ms, :after_id)
ORDER BY c.first_ms, c.id
LIMIT :limit;

-- name: chunks_of_group_backward
SELECT c.id, s.name AS stream, c.first_ms, c.last_ms, c.ingested_ms, c.body
FROM log_chunk c
JOIN log_stream s ON s.id = c.stream_id
WHERE c.group_id = :group_id AND s.name >= :low AND s.name <= :high
    AND c.last_ms <= :highest AND c.first_ms <= :until_ms AND c.last_ms >= :from_ms
    AND (c.last_ms, c.id) < (:after_ms, :after_id)
ORDER BY c.last_ms DESC, c.id DESC
LIMIT :limit;

-- name: delete_expired_chunks
DELETE FROM log_chunk
WHERE id IN (
    SELECT c.id
    FROM log_group g
    JOIN log_chunk c ON c.group_id = g.id
    WHERE g.retention_days IS NOT NULL AND c.last_ms < :now_ms - g.retention_days * 86400000
    LIMIT :limit
)
RETURNING stream_id, stored_bytes;
