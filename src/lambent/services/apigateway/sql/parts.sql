-- name: part
SELECT part FROM parts WHERE account = :account AND region = :region AND kind = :kind AND id = :id;

-- name: parts
SELECT part FROM parts WHERE account = :account AND region = :region AND kind = :kind ORDER BY id;

-- name: count_parts
SELECT count(*) AS count FROM parts WHERE account = :account AND region = :region AND kind = :kind;

-- name: set_part
INSERT INTO parts (account, region, kind, id, part) VALUES (:account, :region, :kind, :id, :part)
ON CONFLICT (account, region, kind, id) DO UPDATE SET part = excluded.part;

-- name: delete_part
DELETE FROM parts WHERE account = :account AND region = :region AND kind = :kind AND id = :id;

-- name: key_of_value
SELECT key_id FROM key_values WHERE account = :account AND region = :region AND value = :value;

-- name: add_key_value
INSERT INTO key_values (account, region, value, key_id) VALUES (:account, :region, :value, :key_id);

-- name: delete_key_value
DELETE FROM key_values WHERE account = :account AND region = :region AND key_id = :key_id;

-- name: plan_keys
SELECT key_id FROM plan_keys WHERE account = :account AND region = :region AND plan_id = :plan_id ORDER BY key_id;

-- name: plans_of_key
SELECT plan_id FROM plan_keys WHERE account = :account AND region = :region AND key_id = :key_id ORDER BY plan_id;

-- name: add_plan_key
INSERT INTO plan_keys (account, region, plan_id, key_id) VALUES (:account, :region, :plan_id, :key_id)
ON CONFLICT DO NOTHING;

-- name: delete_plan_key
DELETE FROM plan_keys WHERE account = :account AND region = :region AND plan_id = :plan_id AND key_id = :key_id;

-- name: forget_key
DELETE FROM plan_keys WHERE account = :account AND region = :region AND key_id = :key_id;

-- name: forget_plan
DELETE FROM plan_keys WHERE account = :account AND region = :region AND plan_id = :plan_id;

-- name: used
SELECT day, count, extra FROM used WHERE account = :account AND region = :region AND plan_id = :plan_id
AND key_id = :key_id AND day BETWEEN :first AND :last ORDER BY day;

-- name: used_keys
SELECT DISTINCT key_id FROM used WHERE account = :account AND region = :region AND plan_id = :plan_id ORDER BY key_id;

-- name: count_use
INSERT INTO used (account, region, plan_id, key_id, day, count)
VALUES (:account, :region, :plan_id, :key_id, :day, 1)
ON CONFLICT (account, region, plan_id, key_id, day) DO UPDATE SET count = count + 1;

-- name: set_extra
INSERT INTO used (account, region, plan_id, key_id, day, extra)
VALUES (:account, :region, :plan_id, :key_id, :day, :extra)
ON CONFLICT (account, region, plan_id, key_id, day) DO UPDATE SET extra = excluded.extra;

-- name: forget_used
DELETE FROM used WHERE account = :account AND region = :region AND plan_id = :plan_id;
