-- name: put_provisioned
INSERT INTO provisioned (account, region, name, qualifier, requested, modified_ms)
VALUES (:account, :region, :name, :qualifier, :requested, :modified_ms)
ON CONFLICT (account, region, name, qualifier) DO UPDATE
SET requested = excluded.requested, modified_ms = excluded.modified_ms;

-- name: provisioned_of
SELECT qualifier, requested, modified_ms FROM provisioned
WHERE account = :account AND region = :region AND name = :name ORDER BY qualifier;

-- name: delete_provisioned
DELETE FROM provisioned
WHERE account = :account AND region = :region AND name = :name AND qualifier = :qualifier;

-- name: provisioned_functions
SELECT DISTINCT account, region, name FROM provisioned;

-- name: provisioned_unreserved
SELECT COALESCE(SUM(provisioned.requested), 0) AS requested FROM provisioned
JOIN functions USING (account, region, name)
WHERE account = :account AND region = :region AND reserved_concurrency IS NULL;
