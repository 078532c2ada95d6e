-- name: add_delivery
INSERT INTO deliveries (account, region, body, due_ms) VALUES (:account, :region, :body, :due_ms);

-- name: due_ids
SELECT id FROM deliveries WHERE due_ms <= :now_ms ORDER BY due_ms, id LIMIT :count;

-- name: delivery_by_id
SELECT * FROM deliveries WHERE id = :id;

-- name: next_due
SELECT due_ms FROM deliveries WHERE due_ms > :now_ms ORDER BY due_ms LIMIT 1;

-- name: put_back
UPDATE deliveries SET due_ms = :due_ms, attempts = :attempts WHERE id = :id;

-- name: delete_delivery
DELETE FROM deliveries WHERE id = :id;

-- name: count_deliveries
SELECT COUNT(*) AS waiting FROM deliveries;
