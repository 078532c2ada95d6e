-- name: add_stream
INSERT INTO stream (id, account, region, name, label, view, key_schema, created_ms)
VALUES (:id, :account, :region, :name, :label, :view, :key_schema, :created_ms);

-- name: close_stream
UPDATE stream SET closed_ms = :now_ms WHERE id = :id;

-- name: stream
SELECT * FROM stream WHERE account = :account AND region = :region AND name = :name AND label = :label;

-- name: streams
SELECT * FROM stream WHERE account = :account AND region = :region ORDER BY name, label;

-- name: last_stream
SELECT coalesce(max(seq), 0) AS id FROM sqlite_sequence WHERE name = 'stream';

-- name: last_shard
SELECT coalesce(max(seq), 0) AS id FROM sqlite_sequence WHERE name = 'shard';

-- name: add_shard
INSERT INTO shard (id, stream, parent, name, first_sequence)
VALUES (:id, :stream, :parent, :name, (SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'record'));

-- name: close_shard
UPDATE shard SET closed_ms = :now_ms,
    last_sequence = (SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'record')
WHERE id = :id;

-- name: shards
SELECT * FROM shard WHERE stream = :stream ORDER BY id;

-- name: add_record
INSERT INTO record (shard, created_ms, record) VALUES (:shard, :created_ms, :record);

-- name: records
SELECT sequence, created_ms, record FROM record
WHERE shard = :shard AND sequence > :after AND created_ms > :since_ms ORDER BY sequence LIMIT :limit;

-- name: newest_sequence
SELECT coalesce(max(seq), 0) AS sequence FROM sqlite_sequence WHERE name = 'record';

-- name: delete_old_records
DELETE FROM record WHERE sequence IN (
    SELECT sequence FROM record WHERE created_ms <= :before_ms ORDER BY created_ms LIMIT :limit
);

-- name: delete_old_shards
DELETE FROM shard WHERE closed_ms <= :before_ms;

-- name: delete_old_streams
DELETE FROM stream WHERE closed_ms <= :before_ms;
