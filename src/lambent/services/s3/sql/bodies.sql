-- name: add_body
INSERT INTO bodies DEFAULT VALUES RETURNING id;

-- name: delete_body
DELETE FROM bodies WHERE id = :id;

-- name: add_piece
INSERT INTO pieces (body, start, bytes, blob, offset) VALUES (:body, :start, :bytes, :blob, :offset);

-- name: pieces
SELECT * FROM pieces WHERE body = :body ORDER BY start;

-- name: pieces_between
SELECT * FROM pieces WHERE body = :body AND start < :end AND start + bytes > :begin ORDER BY start;

-- name: refer
INSERT INTO blobs (name, refs, sealed_data, sealed_key) VALUES (:name, 1, :sealed_data, :sealed_key)
    ON CONFLICT (name) DO UPDATE SET refs = refs + 1;

-- name: unrefer
UPDATE blobs SET refs = refs - 1 WHERE name = :name RETURNING refs;

-- name: delete_blob
DELETE FROM blobs WHERE name = :name;

-- name: blob_data
SELECT data, sealed_data, sealed_key FROM blobs WHERE name = :name;

-- name: blob_is_known
SELECT 1 AS known WHERE EXISTS (SELECT 1 FROM blobs WHERE name = :name)
    OR EXISTS (SELECT 1 FROM garbage WHERE blob = :name);

-- SQLite 3.40 says of every column of a strict table that it is not null in RETURNING: what lies outside is asked here.
-- name: put_aside
INSERT INTO garbage (blob, due_ms)
    SELECT name, :due_ms FROM blobs WHERE name = :name AND data IS NULL AND sealed_data IS NULL
    ON CONFLICT (blob) DO NOTHING;

-- name: due_garbage
SELECT blob FROM garbage WHERE due_ms <= :now_ms LIMIT :count;

-- name: delete_garbage
DELETE FROM garbage WHERE blob = :blob;

-- name: add_outgoing
INSERT INTO outbox (body) VALUES (:body);

-- name: outgoing
SELECT * FROM outbox ORDER BY id LIMIT :count;

-- name: delete_outgoing
DELETE FROM outbox WHERE id <= :id;

-- name: move_pieces
UPDATE pieces SET body = :body, start = start + :start WHERE body = :other;

-- name: unused_bodies
SELECT id FROM bodies WHERE id NOT IN (SELECT body FROM versions WHERE body IS NOT NULL)
    AND id NOT IN (SELECT body FROM parts);
