-- name: url_config
SELECT record FROM urls
WHERE account = :account AND region = :region AND name = :name AND qualifier = :qualifier;

-- name: url_by_id
SELECT record FROM urls WHERE url_id = :url_id;

-- name: urls_after
SELECT record FROM urls
WHERE account = :account AND region = :region AND name = :name AND qualifier > :qualifier
ORDER BY qualifier LIMIT :count;

-- name: put_url
INSERT INTO urls (account, region, name, qualifier, url_id, record)
VALUES (:account, :region, :name, :qualifier, :url_id, :record)
ON CONFLICT (account, region, name, qualifier) DO UPDATE SET record = excluded.record;

-- name: delete_url
DELETE FROM urls
WHERE account = :account AND region = :region AND name = :name AND qualifier = :qualifier;
