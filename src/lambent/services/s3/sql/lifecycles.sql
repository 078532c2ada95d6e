-- name: set_lifecycle_due
INSERT INTO lifecycles (bucket_id, due_ms) VALUES (:id, :due_ms)
    ON CONFLICT (bucket_id) DO UPDATE SET due_ms = excluded.due_ms;

-- name: postpone_lifecycle
UPDATE lifecycles SET due_ms = :due_ms WHERE bucket_id = :id AND due_ms <= :now_ms;

-- name: forget_lifecycle
DELETE FROM lifecycles WHERE bucket_id = :id;

-- name: lifecycles_by_due
SELECT * FROM lifecycles ORDER BY due_ms LIMIT :count;
