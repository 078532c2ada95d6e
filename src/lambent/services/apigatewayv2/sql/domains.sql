-- name: domain
SELECT * FROM domain_names WHERE name = :name AND account = :account AND region = :region;

-- name: domains
SELECT * FROM domain_names WHERE account = :account AND region = :region ORDER BY name;

-- name: domain_anywhere
SELECT account, region FROM domain_names WHERE name = :name;

-- name: all_mappings
SELECT * FROM api_mappings ORDER BY domain_name;

-- name: all_domains
SELECT name FROM domain_names;

-- name: set_domain
INSERT INTO domain_names (name, account, region, record) VALUES (:name, :account, :region, :record)
ON CONFLICT (name) DO UPDATE SET record = excluded.record;

-- name: delete_domain
DELETE FROM domain_names WHERE name = :name;

-- name: mapping
SELECT * FROM api_mappings WHERE domain_name = :domain_name AND mapping_id = :mapping_id;

-- name: mappings
SELECT * FROM api_mappings WHERE domain_name = :domain_name ORDER BY mapping_id;

-- name: mappings_to
SELECT domain_name FROM api_mappings WHERE api_id = :api_id AND (stage = :stage OR :stage = '') LIMIT 1;

-- name: set_mapping
INSERT INTO api_mappings (domain_name, mapping_id, mapping_key, api_id, stage)
VALUES (:domain_name, :mapping_id, :mapping_key, :api_id, :stage)
ON CONFLICT (domain_name, mapping_id) DO UPDATE SET
    mapping_key = excluded.mapping_key, api_id = excluded.api_id, stage = excluded.stage;

-- name: delete_mapping
DELETE FROM api_mappings WHERE domain_name = :domain_name AND mapping_id = :mapping_id;
