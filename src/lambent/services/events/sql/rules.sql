-- name: rule
SELECT * FROM rules WHERE account = :account AND region = :region AND bus = :bus AND name = :name;

-- name: rules
SELECT * FROM rules WHERE account = :account AND region = :region AND bus = :bus ORDER BY name;

-- name: rule_by_id
SELECT * FROM rules WHERE id = :id;

-- name: set_rule
INSERT INTO rules (
    account, region, bus, name, pattern, schedule, state, description, role_arn, anchor_ms, next_ms
) VALUES (
    :account, :region, :bus, :name, :pattern, :schedule, :state, :description, :role_arn, :anchor_ms, :next_ms
) ON CONFLICT (account, region, bus, name) DO UPDATE SET
    pattern = excluded.pattern, schedule = excluded.schedule, state = excluded.state,
    description = excluded.description, role_arn = excluded.role_arn,
    anchor_ms = excluded.anchor_ms, next_ms = excluded.next_ms;

-- name: delete_rule
DELETE FROM rules WHERE id = :id;

-- name: due_rules
SELECT * FROM rules WHERE next_ms <= :now_ms ORDER BY next_ms, id LIMIT :count;

-- name: next_due_rule
SELECT next_ms FROM rules WHERE next_ms > :now_ms ORDER BY next_ms LIMIT 1;

-- name: set_next
UPDATE rules SET next_ms = :next_ms WHERE id = :id AND next_ms = :was_ms;

-- name: set_target
INSERT INTO targets (rule_id, target_id, arn, body) VALUES (:rule_id, :target_id, :arn, :body)
ON CONFLICT (rule_id, target_id) DO UPDATE SET arn = excluded.arn, body = excluded.body;

-- name: delete_target
DELETE FROM targets WHERE rule_id = :rule_id AND target_id = :target_id;

-- name: targets
SELECT * FROM targets WHERE rule_id = :rule_id ORDER BY target_id;

-- name: rules_with_target
SELECT DISTINCT rules.name FROM rules JOIN targets ON targets.rule_id = rules.id
WHERE account = :account AND region = :region AND bus = :bus AND targets.arn = :arn ORDER BY rules.name;
