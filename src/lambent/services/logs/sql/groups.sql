-- Log groups, their retention and their tags.

-- name: add_group
INSERT INTO log_group (account, region, name, created_ms)
VALUES (:account, :region, :name, :created_ms)
RETURNING id;

-- name: group_by_name
SELECT id, name, created_ms, retention_days
FROM log_group
WHERE account = :account AND region = :region AND name = :name;

-- Groups whose names lie between `low` and `high` and contain `part`, after the one called `after`.
-- name: groups
SELECT g.id, g.name, g.created_ms, g.retention_days,
    (SELECT coalesce(sum(s.stored_bytes), 0) FROM log_stream s WHERE s.group_id = g.id) AS stored_bytes
FROM log_group g
WHERE g.account = :account AND g.region = :region
    AND g.name >= :low AND g.name <= :high AND g.name > :after AND instr(g.name, :part) > 0
ORDER BY g.name
LIMIT :limit;

-- name: delete_group
DELETE FROM log_group WHERE id = :group_id;

-- name: set_retention
UPDATE log_group SET retention_days = :retention_days WHERE id = :group_id;

-- name: tags
SELECT tag_key, tag_value FROM log_group_tag WHERE group_id = :group_id ORDER BY tag_key;

-- name: set_tag
INSERT INTO log_group_tag (group_id, tag_key, tag_value)
VALUES (:group_id, :tag_key, :tag_value)
ON CONFLICT (group_id, tag_key) DO UPDATE SET tag_value = excluded.tag_value;

-- name: delete_tag
DELETE FROM log_group_tag WHERE group_id = :group_id AND tag_key = :tag_key;
