-- name: add_function
INSERT INTO functions (account, region, name) VALUES (:account, :region, :name);

-- name: function_by_key
SELECT next_number, reserved_concurrency FROM functions
WHERE account = :account AND region = :region AND name = :name;

-- name: delete_function
DELETE FROM functions WHERE account = :account AND region = :region AND name = :name;

-- name: take_number
UPDATE functions SET next_number = next_number + 1
WHERE account = :account AND region = :region AND name = :name;

-- name: reserve_concurrency
UPDATE functions SET reserved_concurrency = :reserved
WHERE account = :account AND region = :region AND name = :name;

-- name: reserved_in_all
SELECT COALESCE(SUM(reserved_concurrency), 0) AS reserved FROM functions
WHERE account = :account AND region = :region;

-- name: usage
SELECT COUNT(DISTINCT name) AS functions, COALESCE(SUM(code_bytes), 0) + (
    SELECT COALESCE(SUM(code_bytes), 0) FROM layer_versions WHERE account = :account AND region = :region
) AS code_bytes FROM versions
WHERE account = :account AND region = :region;

-- name: put_version
INSERT INTO versions (account, region, name, number, code, code_bytes, unsettled, record, secrets)
VALUES (:account, :region, :name, :number, :code, :code_bytes, :unsettled, :record, :secrets)
ON CONFLICT (account, region, name, number) DO UPDATE
SET code = excluded.code, code_bytes = excluded.code_bytes, unsettled = excluded.unsettled, record = excluded.record,
secrets = excluded.secrets;

-- name: version_by_number
SELECT record, secrets FROM versions
WHERE account = :account AND region = :region AND name = :name AND number = :number;

-- name: newest_published
SELECT record, secrets FROM versions
WHERE account = :account AND region = :region AND name = :name AND number > 0
ORDER BY number DESC LIMIT 1;

-- name: versions_after
SELECT record, secrets FROM versions
WHERE account = :account AND region = :region AND name = :name AND number > :number
ORDER BY number LIMIT :count;

-- name: latest_after
SELECT record, secrets FROM versions
WHERE account = :account AND region = :region AND number = 0 AND name > :name
ORDER BY name LIMIT :count;

-- name: all_after
SELECT record, secrets FROM versions
WHERE account = :account AND region = :region AND (name, number) > (:name, :number)
ORDER BY name, number LIMIT :count;

-- name: delete_version
DELETE FROM versions
WHERE account = :account AND region = :region AND name = :name AND number = :number;

-- name: unsettled_versions
SELECT record, secrets FROM versions WHERE unsettled = 1;

-- name: some_functions
-- The newest version of some functions, for what they have in common.
SELECT record, secrets FROM versions WHERE number = 0 LIMIT :most;

-- name: unsettled_of_function
SELECT record, secrets FROM versions
WHERE account = :account AND region = :region AND name = :name AND unsettled = 1;

-- name: remember_code
INSERT INTO code (digest, zipped_bytes, unzipped_bytes) VALUES (:digest, :zipped_bytes, :unzipped_bytes)
ON CONFLICT (digest) DO NOTHING;

-- name: unused_code
SELECT digest FROM code
WHERE NOT EXISTS (SELECT 1 FROM versions WHERE versions.code = code.digest)
AND NOT EXISTS (SELECT 1 FROM layer_versions WHERE layer_versions.code = code.digest)
AND NOT EXISTS (SELECT 1 FROM version_layers WHERE version_layers.code = code.digest);

-- name: known_code
SELECT digest FROM code;

-- name: unzipped_bytes
SELECT unzipped_bytes FROM code WHERE digest = :digest;

-- name: forget_code
DELETE FROM code WHERE digest = :digest;

-- name: tags_of
SELECT tag, value FROM tags
WHERE account = :account AND region = :region AND name = :name ORDER BY tag;

-- name: put_tag
INSERT INTO tags (account, region, name, tag, value) VALUES (:account, :region, :name, :tag, :value)
ON CONFLICT (account, region, name, tag) DO UPDATE SET value = excluded.value;

-- name: delete_tag
DELETE FROM tags WHERE account = :account AND region = :region AND name = :name AND tag = :tag;

-- name: unsealed_versions
SELECT record, secrets FROM versions WHERE secrets = x'';

-- name: chores
SELECT chore FROM chores;

-- name: forget_chore
DELETE FROM chores WHERE chore = :chore;
