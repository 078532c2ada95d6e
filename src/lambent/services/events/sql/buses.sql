-- name: bus
SELECT * FROM buses WHERE account = :account AND region = :region AND name = :name;

-- name: buses
SELECT * FROM buses WHERE account = :account AND region = :region ORDER BY name;

-- name: set_bus
INSERT INTO buses (account, region, name, description, policy, created_ms, modified_ms)
VALUES (:account, :region, :name, :description, :policy, :created_ms, :modified_ms)
ON CONFLICT (account, region, name) DO UPDATE SET
    description = excluded.description, policy = excluded.policy, modified_ms = excluded.modified_ms;

-- name: delete_bus
DELETE FROM buses WHERE account = :account AND region = :region AND name = :name;

-- name: set_tag
INSERT INTO tags (arn, tag_key, tag_value) VALUES (:arn, :tag_key, :tag_value)
ON CONFLICT (arn, tag_key) DO UPDATE SET tag_value = excluded.tag_value;

-- name: delete_tag
DELETE FROM tags WHERE arn = :arn AND tag_key = :tag_key;

-- name: delete_tags
DELETE FROM tags WHERE arn = :arn;

-- name: tags
SELECT tag_key, tag_value FROM tags WHERE arn = :arn ORDER BY tag_key;
