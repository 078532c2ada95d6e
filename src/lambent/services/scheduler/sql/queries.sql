-- name: group
SELECT * FROM schedule_groups WHERE account = :account AND region = :region AND name = :name;

-- name: groups
SELECT * FROM schedule_groups WHERE account = :account AND region = :region ORDER BY name;

-- name: add_group
INSERT INTO schedule_groups (account, region, name, created_ms, modified_ms)
VALUES (:account, :region, :name, :now_ms, :now_ms);

-- name: delete_group
DELETE FROM schedule_groups WHERE account = :account AND region = :region AND name = :name;

-- name: delete_schedules_of_group
DELETE FROM schedules WHERE account = :account AND region = :region AND group_name = :name;

-- name: schedule
SELECT * FROM schedules WHERE account = :account AND region = :region AND group_name = :group_name AND name = :name;

-- name: schedules
SELECT * FROM schedules WHERE account = :account AND region = :region ORDER BY group_name, name;

-- name: set_schedule
INSERT INTO schedules (
    account, region, group_name, name, plan, anchor_ms, moment_ms, due_ms, created_ms, modified_ms
) VALUES (
    :account, :region, :group_name, :name, :plan, :anchor_ms, :moment_ms, :due_ms, :created_ms, :modified_ms
) ON CONFLICT (account, region, group_name, name) DO UPDATE SET
    plan = excluded.plan, anchor_ms = excluded.anchor_ms, moment_ms = excluded.moment_ms,
    due_ms = excluded.due_ms, modified_ms = excluded.modified_ms;

-- name: delete_schedule
DELETE FROM schedules WHERE id = :id;

-- name: due_schedules
SELECT * FROM schedules WHERE due_ms <= :now_ms ORDER BY due_ms, id LIMIT :count;

-- name: next_due
SELECT due_ms FROM schedules WHERE due_ms > :now_ms ORDER BY due_ms LIMIT 1;

-- name: set_times
UPDATE schedules SET moment_ms = :moment_ms, due_ms = :due_ms
WHERE id = :id AND due_ms = :was_ms AND modified_ms = :modified_ms;

-- name: delete_fired
DELETE FROM schedules WHERE id = :id AND due_ms = :was_ms AND modified_ms = :modified_ms;

-- name: token
SELECT request, answer FROM client_tokens WHERE account = :account AND region = :region AND token = :token;

-- name: add_token
INSERT INTO client_tokens (account, region, token, request, answer, at_ms)
VALUES (:account, :region, :token, :request, :answer, :at_ms);

-- name: forget_tokens
DELETE FROM client_tokens WHERE at_ms < :before_ms;

-- name: set_tag
INSERT INTO tags (arn, tag_key, tag_value) VALUES (:arn, :tag_key, :tag_value)
ON CONFLICT (arn, tag_key) DO UPDATE SET tag_value = excluded.tag_value;

-- name: delete_tag
DELETE FROM tags WHERE arn = :arn AND tag_key = :tag_key;

-- name: delete_tags
DELETE FROM tags WHERE arn = :arn;

-- name: tags
SELECT tag_key, tag_value FROM tags WHERE arn = :arn ORDER BY tag_key;
