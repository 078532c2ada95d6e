-- name: upload
SELECT * FROM uploads WHERE id = :id;

-- name: add_upload
INSERT INTO uploads (id, bucket_id, key, started_ms, facts) VALUES (:id, :bucket_id, :key, :started_ms, :facts);

-- name: note_deletion
UPDATE uploads SET deleted_meanwhile = 1 WHERE bucket_id = :bucket_id AND key = :key;

-- name: delete_upload
DELETE FROM uploads WHERE id = :id;

-- name: uploads_from
SELECT * FROM uploads WHERE bucket_id = :bucket_id AND (key, started_ms, id) > (:key, :started_ms, :id)
    ORDER BY key, started_ms, id LIMIT :count;

-- name: part
SELECT * FROM parts WHERE upload_id = :upload_id AND number = :number;

-- name: parts
SELECT * FROM parts WHERE upload_id = :upload_id AND number > :after ORDER BY number LIMIT :count;

-- name: add_part
INSERT INTO parts (upload_id, number, bytes, md5, checksums, modified_ms, body)
    VALUES (:upload_id, :number, :bytes, :md5, :checksums, :modified_ms, :body);

-- name: delete_part
DELETE FROM parts WHERE upload_id = :upload_id AND number = :number;
