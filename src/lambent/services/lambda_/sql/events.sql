-- name: event_invoke_config
SELECT record FROM event_invoke_configs
WHERE account = :account AND region = :region AND name = :name AND qualifier = :qualifier;

-- name: event_invoke_configs_after
SELECT record FROM event_invoke_configs
WHERE account = :account AND region = :region AND name = :name AND qualifier > :qualifier
ORDER BY qualifier LIMIT :count;

-- name: put_event_invoke_config
INSERT INTO event_invoke_configs (account, region, name, qualifier, record)
VALUES (:account, :region, :name, :qualifier, :record)
ON CONFLICT (account, region, name, qualifier) DO UPDATE SET record = excluded.record;

-- name: delete_event_invoke_config
DELETE FROM event_invoke_configs
WHERE account = :account AND region = :region AND name = :name AND qualifier = :qualifier;

-- name: recursion_allowed
SELECT 1 FROM recursion_allowed WHERE account = :account AND region = :region AND name = :name;

-- name: allow_recursion
INSERT INTO recursion_allowed (account, region, name) VALUES (:account, :region, :name)
ON CONFLICT (account, region, name) DO NOTHING;

-- name: stop_recursion
DELETE FROM recursion_allowed WHERE account = :account AND region = :region AND name = :name;
