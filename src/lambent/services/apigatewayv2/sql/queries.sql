-- name: api
SELECT * FROM apis WHERE api_id = :api_id AND account = :account AND region = :region;

-- name: api_anywhere
SELECT * FROM apis WHERE api_id = :api_id;

-- name: apis
SELECT record FROM apis WHERE account = :account AND region = :region ORDER BY api_id;

-- name: set_api
INSERT INTO apis (api_id, account, region, record) VALUES (:api_id, :account, :region, :record)
ON CONFLICT (api_id) DO UPDATE SET record = excluded.record;

-- name: delete_api
DELETE FROM apis WHERE api_id = :api_id;

-- name: part
SELECT record FROM parts WHERE api_id = :api_id AND kind = :kind AND part_id = :part_id;

-- name: parts
SELECT record FROM parts WHERE api_id = :api_id AND kind = :kind ORDER BY part_id;

-- name: count_parts
SELECT count(*) AS parts FROM parts WHERE api_id = :api_id AND kind = :kind;

-- name: set_part
INSERT INTO parts (api_id, kind, part_id, name, record) VALUES (:api_id, :kind, :part_id, :name, :record)
ON CONFLICT (api_id, kind, part_id) DO UPDATE SET name = excluded.name, record = excluded.record;

-- name: delete_part
DELETE FROM parts WHERE api_id = :api_id AND kind = :kind AND part_id = :part_id;

-- name: set_tag
INSERT INTO tags (arn, tag_key, tag_value) VALUES (:arn, :tag_key, :tag_value)
ON CONFLICT (arn, tag_key) DO UPDATE SET tag_value = excluded.tag_value;

-- name: delete_tag
DELETE FROM tags WHERE arn = :arn AND tag_key = :tag_key;

-- name: delete_tags
DELETE FROM tags WHERE arn = :arn OR arn LIKE :below;

-- name: tags
SELECT tag_key, tag_value FROM tags WHERE arn = :arn ORDER BY tag_key;
