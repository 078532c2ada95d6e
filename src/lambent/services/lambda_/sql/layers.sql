-- name: add_layer
INSERT INTO layers (account, region, name) VALUES (:account, :region, :name)
ON CONFLICT (account, region, name) DO NOTHING;

-- name: next_layer_number
SELECT next_number FROM layers WHERE account = :account AND region = :region AND name = :name;

-- name: take_layer_number
UPDATE layers SET next_number = next_number + 1
WHERE account = :account AND region = :region AND name = :name;

-- name: put_layer_version
INSERT INTO layer_versions (account, region, name, number, code, code_bytes, runtimes, architectures, record)
VALUES (:account, :region, :name, :number, :code, :code_bytes, :runtimes, :architectures, :record)
ON CONFLICT (account, region, name, number) DO UPDATE SET record = excluded.record;

-- name: layer_version
SELECT record FROM layer_versions
WHERE account = :account AND region = :region AND name = :name AND number = :number;

-- name: delete_layer_version
DELETE FROM layer_versions
WHERE account = :account AND region = :region AND name = :name AND number = :number;

-- name: layer_versions_before
SELECT record FROM layer_versions
WHERE account = :account AND region = :region AND name = :name AND number < :number
AND runtimes LIKE :runtime AND architectures LIKE :architecture
ORDER BY number DESC LIMIT :count;

-- name: layers_after
SELECT record FROM layer_versions AS newest
WHERE account = :account AND region = :region AND name > :name
AND number = (
    SELECT MAX(number) FROM layer_versions AS one
    WHERE one.account = newest.account AND one.region = newest.region AND one.name = newest.name
    AND one.runtimes LIKE :runtime AND one.architectures LIKE :architecture
)
ORDER BY name LIMIT :count;

-- name: forget_version_layers
DELETE FROM version_layers
WHERE account = :account AND region = :region AND name = :name AND number = :number;

-- name: add_version_layer
INSERT INTO version_layers (account, region, name, number, code)
VALUES (:account, :region, :name, :number, :code)
ON CONFLICT (account, region, name, number, code) DO NOTHING;
