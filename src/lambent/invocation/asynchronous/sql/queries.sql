-- name: add_event
INSERT INTO events (
    account, region, name, qualifier, request_id, payload, trace_header, client_context, accepted_ms, due_ms
) VALUES (
    :account, :region, :name, :qualifier, :request_id, :payload, :trace_header, :client_context, :now_ms, :now_ms
);

-- name: functions_with_events
SELECT DISTINCT account, region, name FROM events;

-- name: due_events
SELECT id FROM events
WHERE account = :account AND region = :region AND name = :name AND due_ms <= :now_ms
ORDER BY due_ms, id LIMIT :count;

-- name: event_by_id
SELECT * FROM events WHERE id = :id;

-- name: next_due
SELECT due_ms FROM events
WHERE account = :account AND region = :region AND name = :name AND due_ms > :now_ms
ORDER BY due_ms LIMIT 1;

-- name: put_back
UPDATE events SET due_ms = :due_ms, attempts = :attempts, requeues = :requeues WHERE id = :id;

-- name: delete_event
DELETE FROM events WHERE id = :id;

-- name: count_events
SELECT COUNT(*) AS waiting FROM events;
