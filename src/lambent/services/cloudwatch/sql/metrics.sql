-- Metrics, and their points.

-- Make the metric if it is missing, and remember its newest point.
-- name: touch_metric
INSERT INTO metric (account, region, namespace, name, dimensions, last_s)
VALUES (:account, :region, :namespace, :name, :dimensions, :last_s)
ON CONFLICT (account, region, namespace, name, dimensions) DO UPDATE SET
    last_s = CASE WHEN metric.last_s >= excluded.last_s THEN metric.last_s ELSE excluded.last_s END
RETURNING id;

-- name: metric
SELECT id FROM metric
WHERE account = :account AND region = :region AND namespace = :namespace AND name = :name
    AND dimensions = :dimensions;

-- name: metrics
SELECT id, namespace, name, dimensions
FROM metric
WHERE account = :account AND region = :region AND last_s >= :since_s AND id > :after
    AND (:namespace = '' OR namespace = :namespace) AND (:name = '' OR name = :name)
ORDER BY id
LIMIT :limit;

-- name: point
SELECT sample_count, total, minimum, maximum, sketch
FROM point
WHERE metric_id = :metric_id AND start_s = :start_s AND span_s = :span_s AND unit = :unit;

-- name: set_point
INSERT INTO point (metric_id, start_s, span_s, unit, sample_count, total, minimum, maximum, sketch)
VALUES (:metric_id, :start_s, :span_s, :unit, :sample_count, :total, :minimum, :maximum, :sketch)
ON CONFLICT (metric_id, start_s, span_s, unit) DO UPDATE SET
    sample_count = excluded.sample_count, total = excluded.total,
    minimum = excluded.minimum, maximum = excluded.maximum, sketch = excluded.sketch;

-- name: points
SELECT start_s, span_s, unit, sample_count, total, minimum, maximum, sketch
FROM point
WHERE metric_id = :metric_id AND start_s >= :from_s AND start_s < :until_s AND span_s <= :longest_s
ORDER BY start_s;

-- name: old_points
SELECT metric_id, start_s, unit, sample_count, total, minimum, maximum, sketch
FROM point
WHERE span_s = :span_s AND start_s < :before_s
ORDER BY start_s
LIMIT :limit;

-- name: delete_point
DELETE FROM point WHERE metric_id = :metric_id AND start_s = :start_s AND span_s = :span_s AND unit = :unit;

-- name: delete_old_points
DELETE FROM point WHERE span_s = :span_s AND start_s < :before_s;

-- name: delete_empty_metrics
DELETE FROM metric WHERE last_s < :before_s AND NOT EXISTS (SELECT 1 FROM point p WHERE p.metric_id = metric.id);
