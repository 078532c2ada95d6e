-- name: policy
SELECT document FROM policies
WHERE account = :account AND region = :region AND name = :name AND qualifier = :qualifier;

-- name: put_policy
INSERT INTO policies (account, region, name, qualifier, document)
VALUES (:account, :region, :name, :qualifier, :document)
ON CONFLICT (account, region, name, qualifier) DO UPDATE SET document = excluded.document;

-- name: delete_policy
DELETE FROM policies
WHERE account = :account AND region = :region AND name = :name AND qualifier = :qualifier;
