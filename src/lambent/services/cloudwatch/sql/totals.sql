-- Totals of functions, for Prometheus.

-- name: add_total
INSERT INTO function_total (account, region, function, what, value)
VALUES (:account, :region, :function, :what, :value)
ON CONFLICT (account, region, function, what) DO UPDATE SET value = function_total.value + excluded.value;

-- name: totals
SELECT account, region, function, what, value FROM function_total ORDER BY account, region, function;
