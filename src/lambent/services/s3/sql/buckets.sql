-- name: bucket
SELECT * FROM buckets WHERE name = :name;

-- name: bucket_by_id
SELECT * FROM buckets WHERE id = :id;

-- name: buckets
SELECT * FROM buckets WHERE account = :account AND name > :after ORDER BY name LIMIT :count;

-- name: all_bucket_ids
SELECT id FROM buckets ORDER BY id;

-- name: add_bucket
INSERT INTO buckets (account, region, name, created_ms) VALUES (:account, :region, :name, :created_ms);

-- name: delete_bucket
DELETE FROM buckets WHERE id = :id;

-- name: bucket_is_used
SELECT 1 AS used WHERE EXISTS (SELECT 1 FROM versions WHERE bucket_id = :id)
    OR EXISTS (SELECT 1 FROM uploads WHERE bucket_id = :id);

-- name: set_versioning
UPDATE buckets SET versioning = :versioning WHERE id = :id;

-- name: setting
SELECT body FROM settings WHERE bucket_id = :id AND name = :name;

-- name: set_setting
INSERT INTO settings (bucket_id, name, body) VALUES (:id, :name, :body)
    ON CONFLICT (bucket_id, name) DO UPDATE SET body = excluded.body;

-- name: delete_setting
DELETE FROM settings WHERE bucket_id = :id AND name = :name;

-- name: buckets_with_setting
SELECT b.* FROM buckets b JOIN settings s ON s.bucket_id = b.id WHERE s.name = :name ORDER BY b.id;
