-- name: definitions
SELECT definition FROM definition ORDER BY account, region, name;

-- name: put_definition
INSERT INTO definition (account, region, name, definition) VALUES (:account, :region, :name, :definition)
ON CONFLICT (account, region, name) DO UPDATE SET definition = excluded.definition;

-- name: delete_definition
DELETE FROM definition WHERE account = :account AND region = :region AND name = :name;

-- name: add_space
INSERT INTO space (id) VALUES (:id);

-- name: last_space
SELECT coalesce(max(seq), 0) AS id FROM sqlite_sequence WHERE name = 'space';

-- name: usage_of_space
SELECT items, bytes FROM space WHERE id = :space;

-- name: count_in_space
UPDATE space SET items = items + :items, bytes = bytes + :bytes WHERE id = :space;

-- name: abandon_space
UPDATE space SET abandoned = 1 WHERE id = :space;

-- name: abandoned_spaces
SELECT id FROM space WHERE abandoned = 1 ORDER BY id;

-- name: empty_space
DELETE FROM item WHERE space = :space AND (partition, sort) IN (
    SELECT partition, sort FROM item WHERE space = :space ORDER BY partition, sort LIMIT :limit
);

-- name: empty_expiries
DELETE FROM expiry WHERE space = :space AND (expires_s, partition, sort) IN (
    SELECT expires_s, partition, sort FROM expiry WHERE space = :space ORDER BY expires_s, partition, sort LIMIT :limit
);

-- name: delete_space
DELETE FROM space WHERE id = :space;

-- name: answer_of_token
SELECT digest, answer FROM token
WHERE account = :account AND region = :region AND token = :token AND expires_ms > :now_ms;

-- name: put_token
INSERT OR REPLACE INTO token (account, region, token, digest, answer, expires_ms)
VALUES (:account, :region, :token, :digest, :answer, :expires_ms);

-- name: delete_expired_tokens
DELETE FROM token WHERE expires_ms <= :now_ms;
