-- name: put_alias
INSERT INTO aliases (account, region, name, alias, version, other, record)
VALUES (:account, :region, :name, :alias, :version, :other, :record)
ON CONFLICT (account, region, name, alias) DO UPDATE
SET version = excluded.version, other = excluded.other, record = excluded.record;

-- name: alias_by_name
SELECT record FROM aliases
WHERE account = :account AND region = :region AND name = :name AND alias = :alias;

-- name: aliases_after
SELECT record FROM aliases
WHERE account = :account AND region = :region AND name = :name AND alias > :alias
    AND (:number = -1 OR version = :number OR other = :number)
ORDER BY alias LIMIT :count;

-- name: delete_alias
DELETE FROM aliases WHERE account = :account AND region = :region AND name = :name AND alias = :alias;
