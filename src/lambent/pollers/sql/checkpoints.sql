-- name: origin
SELECT origin FROM origins WHERE account = :account AND region = :region AND mapping = :mapping;

-- name: add_origin
INSERT INTO origins (account, region, mapping, origin) VALUES (:account, :region, :mapping, :origin)
ON CONFLICT DO NOTHING;

-- name: delete_origin
DELETE FROM origins WHERE account = :account AND region = :region AND mapping = :mapping;

-- name: checkpoints
SELECT lane, lanes, position, ended, window_s, state FROM checkpoints
WHERE account = :account AND region = :region AND mapping = :mapping AND shard = :shard ORDER BY lane;

-- name: add_checkpoint
INSERT INTO checkpoints (account, region, mapping, shard, lane, lanes, position)
VALUES (:account, :region, :mapping, :shard, :lane, :lanes, :position);

-- name: reach
UPDATE checkpoints SET position = :position, ended = :ended, window_s = :window_s, state = :state
WHERE account = :account AND region = :region AND mapping = :mapping AND shard = :shard AND lane = :lane
    AND lanes = :lanes;

-- name: shards_seen
SELECT shard, min(ended) AS ended FROM checkpoints
WHERE account = :account AND region = :region AND mapping = :mapping GROUP BY shard;

-- name: delete_shard
DELETE FROM checkpoints
WHERE account = :account AND region = :region AND mapping = :mapping AND shard = :shard;

-- name: delete_checkpoints
DELETE FROM checkpoints WHERE account = :account AND region = :region AND mapping = :mapping;
