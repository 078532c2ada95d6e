-- name: current
SELECT * FROM versions WHERE bucket_id = :bucket_id AND key = :key ORDER BY id DESC LIMIT 1;

-- name: version
SELECT * FROM versions WHERE bucket_id = :bucket_id AND key = :key AND version = :version;

-- name: add_version
INSERT INTO versions (bucket_id, key, version, latest, marker, bytes, etag, modified_ms, body, facts)
    VALUES (:bucket_id, :key, :version, 1, :marker, :bytes, :etag, :modified_ms, :body, :facts) RETURNING id;

-- name: not_latest
UPDATE versions SET latest = 0 WHERE bucket_id = :bucket_id AND key = :key AND latest = 1;

-- name: make_latest
UPDATE versions SET latest = 1 WHERE id = :id;

-- name: set_facts
UPDATE versions SET facts = :facts WHERE id = :id;

-- name: delete_version
DELETE FROM versions WHERE id = :id;

-- name: listed
SELECT * FROM versions WHERE bucket_id = :bucket_id AND latest = 1 AND marker = 0 AND key >= :key
    ORDER BY key LIMIT :count;

-- name: all_from
SELECT * FROM versions WHERE bucket_id = :bucket_id AND key >= :key ORDER BY key, id DESC LIMIT :count;

-- name: older_of_key
SELECT * FROM versions WHERE bucket_id = :bucket_id AND key = :key AND id < :id ORDER BY id DESC LIMIT :count;

-- name: add_version_part
INSERT INTO version_parts (version_id, number, start, bytes, checksums)
    VALUES (:version_id, :number, :start, :bytes, :checksums);

-- name: version_part
SELECT * FROM version_parts WHERE version_id = :version_id AND number = :number;

-- name: version_parts
SELECT * FROM version_parts WHERE version_id = :version_id AND number > :after ORDER BY number LIMIT :count;
