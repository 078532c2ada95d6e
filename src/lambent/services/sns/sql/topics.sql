-- name: topic
SELECT * FROM topics WHERE account = :account AND region = :region AND name = :name;

-- name: topics_after
SELECT * FROM topics WHERE account = :account AND region = :region AND name > :after ORDER BY name LIMIT :count;

-- name: count_topics
SELECT COUNT(*) AS topics FROM topics WHERE account = :account AND region = :region;

-- name: add_topic
INSERT INTO topics (account, region, name, attributes, tags) VALUES (:account, :region, :name, :attributes, :tags);

-- name: set_topic
UPDATE topics SET attributes = :attributes, tags = :tags WHERE id = :id;

-- name: count_deleted
UPDATE topics SET deleted = deleted + 1 WHERE id = :id;

-- name: delete_topic
DELETE FROM topics WHERE id = :id;

-- name: advance
UPDATE topics SET sequence = sequence + :count WHERE id = :id;

-- name: sequence
SELECT sequence FROM topics WHERE id = :id;

-- name: duplicate
SELECT * FROM deduplication
WHERE topic_id = :topic_id AND scope = :scope AND deduplication_id = :deduplication_id AND expires_ms > :now_ms;

-- name: remember
INSERT INTO deduplication (topic_id, scope, deduplication_id, message_id, sequence, expires_ms)
VALUES (:topic_id, :scope, :deduplication_id, :message_id, :sequence, :expires_ms)
ON CONFLICT (topic_id, scope, deduplication_id) DO UPDATE SET
    message_id = excluded.message_id, sequence = excluded.sequence, expires_ms = excluded.expires_ms;

-- name: forget_expired
DELETE FROM deduplication WHERE expires_ms <= :now_ms;
