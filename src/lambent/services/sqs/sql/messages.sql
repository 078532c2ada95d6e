-- Messages: sent, taken, hidden, moved and deleted.

-- name: last_message
SELECT coalesce(max(seq), 0) AS id FROM sqlite_sequence WHERE name = 'message';

-- name: messages_by_lane
SELECT lane, count(*) AS total FROM message GROUP BY lane;

-- name: hidden_messages
SELECT visible_ms, receives > 0 AS received, count(*) AS total
FROM message
WHERE lane = :lane AND visible_ms > :now_ms
GROUP BY visible_ms, receives > 0;

-- name: add_message
INSERT INTO message (id, lane, visible_ms, sent_ms, receives_before, first_received_ms, group_id)
VALUES (:id, :lane, :visible_ms, :sent_ms, :receives_before, :first_received_ms, :group_id);

-- name: add_content
INSERT INTO content (id, content) VALUES (:id, :content);

-- name: visible_messages
SELECT m.id, m.visible_ms, m.sent_ms, m.receives, m.receives_before, m.first_received_ms, m.group_id, c.content
FROM message m JOIN content c ON c.id = m.id
WHERE m.lane = :lane AND m.visible_ms <= :now_ms
ORDER BY m.visible_ms, m.id
LIMIT :limit;

-- name: oldest_of_lane
SELECT m.id, m.visible_ms, m.sent_ms, m.receives, m.receives_before, m.first_received_ms, m.group_id, c.content
FROM message m JOIN content c ON c.id = m.id
WHERE m.lane = :lane AND m.visible_ms <= :now_ms AND m.id <= :last
ORDER BY m.visible_ms, m.id
LIMIT :limit;

-- name: messages_of_group
SELECT m.id, m.visible_ms, m.sent_ms, m.receives, m.receives_before, m.first_received_ms, m.group_id, c.content
FROM message m JOIN content c ON c.id = m.id
WHERE m.group_id = :group_id
ORDER BY m.id
LIMIT :limit;

-- name: message
SELECT m.id, m.lane, m.visible_ms, m.sent_ms, m.receives, m.receives_before, m.first_received_ms, m.received_ms,
    m.group_id
FROM message m
WHERE m.id = :id;

-- name: whole_message
SELECT m.id, m.lane, m.visible_ms, m.sent_ms, m.receives, m.receives_before, m.first_received_ms, m.group_id, c.content
FROM message m JOIN content c ON c.id = m.id
WHERE m.id = :id;

-- name: take
UPDATE message
SET visible_ms = :visible_ms, receives = :receives, first_received_ms = :first_received_ms, received_ms = :received_ms
WHERE id = :id;

-- name: set_visibility
UPDATE message SET visible_ms = :visible_ms WHERE id = :id;

-- name: delete_message
DELETE FROM message WHERE id = :id;

-- name: delete_content
DELETE FROM content WHERE id = :id;

-- name: messages_of_lane
SELECT id FROM message WHERE lane = :lane LIMIT :limit;

-- name: expired_messages
SELECT id, visible_ms, receives, group_id FROM message
WHERE lane = :lane AND sent_ms < :before_ms
ORDER BY sent_ms
LIMIT :limit;

-- name: oldest_message
SELECT sent_ms FROM message WHERE lane = :lane ORDER BY sent_ms LIMIT 1;

-- The delay of a FIFO queue holds for the messages that are in it.
-- name: delayed_messages
SELECT id, visible_ms, sent_ms, group_id FROM message WHERE lane = :lane AND receives = 0 AND visible_ms > :now_ms;
