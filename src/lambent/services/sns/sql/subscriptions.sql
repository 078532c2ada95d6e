-- name: subscription
SELECT * FROM subscriptions WHERE arn = :arn AND (pending = 0 OR expires_ms > :now_ms);

-- name: same_subscription
SELECT * FROM subscriptions WHERE topic_id = :topic_id AND protocol = :protocol AND endpoint = :endpoint;

-- name: confirmed
SELECT * FROM subscriptions WHERE topic_id = :topic_id AND pending = 0 ORDER BY arn;

-- name: of_topic_after
SELECT * FROM subscriptions
WHERE topic_id = :topic_id AND arn > :after AND (pending = 0 OR expires_ms > :now_ms) ORDER BY arn LIMIT :count;

-- name: of_owner_after
SELECT * FROM subscriptions
WHERE owner = :owner AND region = :region AND arn > :after AND (pending = 0 OR expires_ms > :now_ms)
ORDER BY arn LIMIT :count;

-- name: count_subscriptions
SELECT COUNT(*) AS subscriptions FROM subscriptions
WHERE topic_id = :topic_id AND pending = :pending AND (pending = 0 OR expires_ms > :now_ms);

-- name: put_subscription
INSERT INTO subscriptions (arn, topic_id, owner, region, protocol, endpoint, pending, expires_ms, body)
VALUES (:arn, :topic_id, :owner, :region, :protocol, :endpoint, :pending, :expires_ms, :body)
ON CONFLICT (arn) DO UPDATE SET pending = excluded.pending, expires_ms = excluded.expires_ms, body = excluded.body;

-- name: delete_subscription
DELETE FROM subscriptions WHERE arn = :arn;

-- name: delete_expired
DELETE FROM subscriptions WHERE topic_id = :topic_id AND pending = 1 AND expires_ms <= :now_ms;
