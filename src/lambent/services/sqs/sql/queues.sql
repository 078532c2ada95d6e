-- Queues, their lanes, and the names that rest.

-- name: queues
SELECT id, account, region, name, lane, handle_key, created_s, modified_s, purged_ms, attributes, tags FROM queue;

-- name: add_queue
INSERT INTO queue (account, region, name, lane, handle_key, created_s, modified_s, attributes, tags)
VALUES (:account, :region, :name, :lane, :handle_key, :created_s, :created_s, :attributes, :tags)
RETURNING id;

-- name: add_lane
INSERT INTO lane (abandoned) VALUES (0) RETURNING id;

-- name: abandon_lane
UPDATE lane SET abandoned = 1 WHERE id = :lane;

-- name: abandoned_lanes
SELECT id FROM lane WHERE abandoned = 1;

-- name: delete_lane
DELETE FROM lane WHERE id = :lane;

-- name: set_attributes
UPDATE queue SET attributes = :attributes, modified_s = :modified_s WHERE id = :queue_id;

-- name: set_tags
UPDATE queue SET tags = :tags WHERE id = :queue_id;

-- name: set_lane
UPDATE queue SET lane = :lane, purged_ms = :purged_ms WHERE id = :queue_id;

-- name: delete_queue
DELETE FROM queue WHERE id = :queue_id;

-- name: delete_deduplication_of_queue
DELETE FROM deduplication WHERE queue_id = :queue_id;

-- name: delete_attempts_of_queue
DELETE FROM receive_attempt WHERE queue_id = :queue_id;

-- name: rest_name
INSERT INTO deleted_queue (account, region, name, deleted_ms)
VALUES (:account, :region, :name, :deleted_ms)
ON CONFLICT (account, region, name) DO UPDATE SET deleted_ms = excluded.deleted_ms;

-- name: resting_since
SELECT deleted_ms FROM deleted_queue WHERE account = :account AND region = :region AND name = :name;

-- name: delete_rested
DELETE FROM deleted_queue WHERE deleted_ms < :before_ms;
