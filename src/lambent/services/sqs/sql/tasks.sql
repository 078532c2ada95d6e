-- Message move tasks.

-- name: add_task
INSERT INTO move_task (account, region, handle, source_arn, destination_arn, per_second, status, started_ms, to_move,
    last_message)
VALUES (:account, :region, :handle, :source_arn, :destination_arn, :per_second, 'RUNNING', :started_ms, :to_move,
    :last_message);

-- name: unfinished_tasks
SELECT handle, source_arn, destination_arn, per_second, last_message FROM move_task
WHERE status IN ('RUNNING', 'CANCELLING');

-- name: task
SELECT source_arn, status, moved FROM move_task WHERE handle = :handle AND account = :account AND region = :region;

-- name: status_of_task
SELECT status FROM move_task WHERE handle = :handle;

-- name: unfinished_task_of_source
SELECT handle FROM move_task WHERE source_arn = :source_arn AND status IN ('RUNNING', 'CANCELLING');

-- name: tasks_of_source
SELECT handle, status, source_arn, destination_arn, per_second, moved, to_move, failure, started_ms FROM move_task
WHERE source_arn = :source_arn
ORDER BY id DESC
LIMIT :limit;

-- name: cancel_task
UPDATE move_task SET status = 'CANCELLING' WHERE handle = :handle AND status = 'RUNNING';

-- name: task_moved
UPDATE move_task SET moved = moved + :moved WHERE handle = :handle;

-- name: finish_task
UPDATE move_task SET status = :status, failure = :failure WHERE handle = :handle;

-- Only the newest ten of a source are ever shown.
-- name: forget_tasks
DELETE FROM move_task
WHERE source_arn = :source_arn AND status NOT IN ('RUNNING', 'CANCELLING')
    AND id NOT IN (SELECT id FROM move_task WHERE source_arn = :source_arn ORDER BY id DESC LIMIT 10);
