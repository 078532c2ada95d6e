-- name: add_user
INSERT INTO iam_users (account, name_key, name, path, user_id, created_ms, tags)
VALUES (:account, :name_key, :name, :path, :user_id, :created_ms, :tags);

-- name: user
SELECT account, name, path, user_id, created_ms, tags FROM iam_users
WHERE account = :account AND name_key = :name_key;

-- name: user_by_id
SELECT account, name, path, user_id, created_ms, tags FROM iam_users WHERE user_id = :user_id;

-- name: users
SELECT account, name, path, user_id, created_ms, tags FROM iam_users
WHERE account = :account AND name_key > :after AND substr(path, 1, length(:prefix)) = :prefix
ORDER BY name_key LIMIT :limit;

-- name: move_user
UPDATE iam_users SET name_key = :name_key, name = :name, path = :path WHERE user_id = :user_id;

-- name: tag_user
UPDATE iam_users SET tags = :tags WHERE user_id = :id;

-- name: remove_user
DELETE FROM iam_users WHERE user_id = :user_id;

-- name: add_access_key
INSERT INTO iam_access_keys (access_key_id, account, user_id, secret, active, created_ms)
VALUES (:access_key_id, :account, :user_id, :secret, 1, :created_ms);

-- name: access_key
SELECT access_key_id, account, user_id, secret, active, created_ms, used_ms, used_service, used_region
FROM iam_access_keys WHERE access_key_id = :access_key_id;

-- name: access_keys_of
SELECT access_key_id, active, created_ms FROM iam_access_keys
WHERE user_id = :user_id AND access_key_id > :after ORDER BY access_key_id LIMIT :limit;

-- name: count_access_keys
SELECT count(*) AS number FROM iam_access_keys WHERE user_id = :user_id;

-- name: set_access_key_active
UPDATE iam_access_keys SET active = :active WHERE user_id = :user_id AND access_key_id = :access_key_id;

-- name: remove_access_key
DELETE FROM iam_access_keys WHERE user_id = :user_id AND access_key_id = :access_key_id;

-- name: note_access_key_use
UPDATE iam_access_keys SET used_ms = :used_ms, used_service = :service, used_region = :region
WHERE access_key_id = :access_key_id;

-- name: add_role
INSERT INTO iam_roles
    (account, name_key, name, path, role_id, trust, description, max_session_s, created_ms, tags)
VALUES
    (:account, :name_key, :name, :path, :role_id, :trust, :description, :max_session_s, :created_ms, :tags);

-- name: role
SELECT account, name, path, role_id, trust, description, max_session_s, created_ms, tags FROM iam_roles
WHERE account = :account AND name_key = :name_key;

-- name: roles
SELECT account, name, path, role_id, trust, description, max_session_s, created_ms, tags FROM iam_roles
WHERE account = :account AND name_key > :after AND substr(path, 1, length(:prefix)) = :prefix
ORDER BY name_key LIMIT :limit;

-- name: change_role
UPDATE iam_roles SET trust = :trust, description = :description, max_session_s = :max_session_s
WHERE role_id = :role_id;

-- name: tag_role
UPDATE iam_roles SET tags = :tags WHERE role_id = :id;

-- name: remove_role
DELETE FROM iam_roles WHERE role_id = :role_id;

-- name: put_inline_policy
INSERT INTO iam_inline_policies (owner_id, name, document) VALUES (:owner_id, :name, :document)
ON CONFLICT (owner_id, name) DO UPDATE SET document = excluded.document;

-- name: inline_policy
SELECT name, document FROM iam_inline_policies WHERE owner_id = :owner_id AND name = :name;

-- name: inline_policies
SELECT name, document FROM iam_inline_policies
WHERE owner_id = :owner_id AND name > :after ORDER BY name LIMIT :limit;

-- name: remove_inline_policy
DELETE FROM iam_inline_policies WHERE owner_id = :owner_id AND name = :name;

-- name: add_policy
INSERT INTO iam_policies
    (arn, account, name_key, name, path, policy_id, description, default_version, last_version,
     created_ms, updated_ms, tags)
VALUES
    (:arn, :account, :name_key, :name, :path, :policy_id, :description, 1, 1, :created_ms, :created_ms, :tags);

-- name: policy
SELECT arn, account, name, path, policy_id, description, default_version, last_version, created_ms,
       updated_ms, tags
FROM iam_policies WHERE arn = :arn AND account = :account;

-- name: policies
SELECT arn, account, name, path, policy_id, description, default_version, last_version, created_ms,
       updated_ms, tags
FROM iam_policies WHERE account = :account ORDER BY name_key;

-- name: set_policy_versions
UPDATE iam_policies
SET default_version = :default_version, last_version = :last_version, updated_ms = :updated_ms
WHERE arn = :arn;

-- name: tag_policy
UPDATE iam_policies SET tags = :tags WHERE arn = :id;

-- name: remove_policy
DELETE FROM iam_policies WHERE arn = :arn;

-- name: add_policy_version
INSERT INTO iam_policy_versions (arn, number, document, created_ms) VALUES (:arn, :number, :document, :created_ms);

-- name: policy_version
SELECT number, document, created_ms FROM iam_policy_versions WHERE arn = :arn AND number = :number;

-- name: policy_versions
SELECT number, document, created_ms FROM iam_policy_versions WHERE arn = :arn ORDER BY number DESC;

-- name: remove_policy_version
DELETE FROM iam_policy_versions WHERE arn = :arn AND number = :number;

-- name: attach
INSERT INTO iam_attachments (owner_id, policy_arn, account, kind) VALUES (:owner_id, :policy_arn, :account, :kind)
ON CONFLICT (owner_id, policy_arn) DO NOTHING;

-- name: detach
DELETE FROM iam_attachments WHERE owner_id = :owner_id AND policy_arn = :policy_arn;

-- name: attached_to
SELECT policy_arn FROM iam_attachments
WHERE owner_id = :owner_id AND policy_arn > :after ORDER BY policy_arn LIMIT :limit;

-- name: attachment_counts
SELECT policy_arn, count(*) AS number FROM iam_attachments WHERE account = :account GROUP BY policy_arn;

-- name: users_attached
SELECT u.name AS name, u.user_id AS id, u.path AS path FROM iam_attachments a
JOIN iam_users u ON u.user_id = a.owner_id
WHERE a.account = :account AND a.policy_arn = :policy_arn AND a.kind = 'user' ORDER BY u.name_key;

-- name: roles_attached
SELECT r.name AS name, r.role_id AS id, r.path AS path FROM iam_attachments a
JOIN iam_roles r ON r.role_id = a.owner_id
WHERE a.account = :account AND a.policy_arn = :policy_arn AND a.kind = 'role' ORDER BY r.name_key;

-- name: summary
SELECT
    (SELECT count(*) FROM iam_users WHERE account = :account) AS users,
    (SELECT count(*) FROM iam_roles WHERE account = :account) AS roles,
    (SELECT count(*) FROM iam_policies WHERE account = :account) AS policies;
