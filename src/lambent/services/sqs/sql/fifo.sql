-- FIFO queues: groups, deduplication and receive attempts.

-- name: group_by_name
SELECT id, ready_ms FROM message_group WHERE lane = :lane AND name = :name;

-- name: add_group
INSERT INTO message_group (lane, name, ready_ms) VALUES (:lane, :name, :ready_ms) RETURNING id;

-- name: ready_groups
SELECT id FROM message_group WHERE lane = :lane AND ready_ms <= :now_ms ORDER BY ready_ms, id LIMIT :limit;

-- name: set_group
UPDATE message_group SET ready_ms = :ready_ms WHERE id = :group_id;

-- name: delete_group
DELETE FROM message_group WHERE id = :group_id;

-- name: delete_groups_of_lane
DELETE FROM message_group WHERE id IN (SELECT id FROM message_group WHERE lane = :lane LIMIT :limit);

-- name: head_of_group
SELECT visible_ms, receives FROM message WHERE group_id = :group_id ORDER BY id LIMIT 1;

-- Until when a group is held by messages that were taken.
-- name: group_held_until
SELECT max(visible_ms) AS visible_ms FROM message WHERE group_id = :group_id AND receives > 0;

-- name: duplicate
SELECT message_id, sequence FROM deduplication
WHERE queue_id = :queue_id AND scope = :scope AND deduplication_id = :deduplication_id AND expires_ms > :now_ms;

-- name: remember_deduplication
INSERT INTO deduplication (queue_id, scope, deduplication_id, message_id, sequence, expires_ms)
VALUES (:queue_id, :scope, :deduplication_id, :message_id, :sequence, :expires_ms)
ON CONFLICT (queue_id, scope, deduplication_id) DO UPDATE
SET message_id = excluded.message_id, sequence = excluded.sequence, expires_ms = excluded.expires_ms;

-- name: delete_deduplication
DELETE FROM deduplication WHERE expires_ms <= :now_ms;

-- name: attempt
SELECT received FROM receive_attempt
WHERE queue_id = :queue_id AND attempt_id = :attempt_id AND expires_ms > :now_ms;

-- name: remember_attempt
INSERT INTO receive_attempt (queue_id, attempt_id, expires_ms, received)
VALUES (:queue_id, :attempt_id, :expires_ms, :received)
ON CONFLICT (queue_id, attempt_id) DO UPDATE SET expires_ms = excluded.expires_ms, received = excluded.received;

-- name: delete_attempts
DELETE FROM receive_attempt WHERE expires_ms <= :now_ms;
