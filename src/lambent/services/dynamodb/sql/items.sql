-- name: item
SELECT item FROM item WHERE space = :space AND partition = :partition AND sort = :sort;

-- name: put_item
INSERT INTO item (space, partition, sort, item) VALUES (:space, :partition, :sort, :item)
ON CONFLICT (space, partition, sort) DO UPDATE SET item = excluded.item;

-- name: delete_item
DELETE FROM item WHERE space = :space AND partition = :partition AND sort = :sort;

-- name: query_forward
SELECT partition, sort, item FROM item
WHERE space = :space AND partition = :partition AND sort >= :first AND sort < :last
ORDER BY sort LIMIT :limit;

-- name: query_backward
SELECT partition, sort, item FROM item
WHERE space = :space AND partition = :partition AND sort >= :first AND sort < :last
ORDER BY sort DESC LIMIT :limit;

-- name: scan
SELECT partition, sort, item FROM item
WHERE space = :space AND (partition, sort) > (:partition, :sort) AND partition < :last
ORDER BY partition, sort LIMIT :limit;

-- name: put_expiry
INSERT OR IGNORE INTO expiry (space, expires_s, partition, sort) VALUES (:space, :expires_s, :partition, :sort);

-- name: delete_expiry
DELETE FROM expiry WHERE space = :space AND expires_s = :expires_s AND partition = :partition AND sort = :sort;

-- name: expired
SELECT expires_s, partition, sort FROM expiry
WHERE space = :space AND expires_s > :after_s AND expires_s <= :now_s ORDER BY expires_s, partition, sort LIMIT :limit;
