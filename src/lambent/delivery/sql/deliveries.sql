-- name: add_delivery
INSERT INTO deliveries (account, region, lane, body, line, due_ms)
SELECT :account, :region, :lane, :body, :line, CASE
    WHEN :line != '' AND EXISTS (SELECT 1 FROM deliveries WHERE line = :line AND line != '') THEN :behind_ms
    ELSE :due_ms
END;

-- name: due_ids
SELECT id, lane FROM deliveries WHERE due_ms <= :now_ms ORDER BY due_ms, id LIMIT :count;

-- name: lanes
WITH RECURSIVE found (lane) AS (
    SELECT MIN(lane) FROM deliveries
    UNION ALL
    SELECT (SELECT MIN(lane) FROM deliveries WHERE lane > found.lane) FROM found WHERE found.lane IS NOT NULL
)
SELECT lane FROM found WHERE lane IS NOT NULL;

-- name: due_of_lane
SELECT id, due_ms FROM deliveries WHERE lane = :lane AND due_ms <= :now_ms ORDER BY due_ms, id LIMIT :count;

-- name: delivery_by_id
SELECT * FROM deliveries WHERE id = :id;

-- name: next_due
SELECT due_ms FROM deliveries WHERE due_ms > :now_ms AND due_ms < :behind_ms ORDER BY due_ms LIMIT 1;

-- name: put_back
UPDATE deliveries SET due_ms = :due_ms, attempts = :attempts WHERE id = :id;

-- name: delete_delivery
DELETE FROM deliveries WHERE id = :id;

-- name: call_next
UPDATE deliveries SET due_ms = :due_ms
WHERE id = (SELECT id FROM deliveries WHERE line = :line AND line != '' ORDER BY id LIMIT 1);

-- name: count_deliveries
SELECT COUNT(*) AS waiting FROM deliveries;
