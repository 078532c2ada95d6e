-- IAM is global: every key begins with the account, none has a Region.
-- `name_key` is the name in lower case: two names that differ only by case cannot both exist.
-- What belongs to a user or role refers to its unique id, so that renaming touches one row.

CREATE TABLE iam_users (
    account    TEXT    NOT NULL,
    name_key   TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    path       TEXT    NOT NULL,
    user_id    TEXT    NOT NULL UNIQUE,
    created_ms BIGINT  NOT NULL,
    tags       TEXT    NOT NULL,
    PRIMARY KEY (account, name_key)
);

-- `secret` is sealed with the platform's master key.
CREATE TABLE iam_access_keys (
    access_key_id TEXT    NOT NULL PRIMARY KEY,
    account       TEXT    NOT NULL,
    user_id       TEXT    NOT NULL REFERENCES iam_users (user_id),
    secret        BYTEA   NOT NULL,
    active        INTEGER NOT NULL,
    created_ms    BIGINT  NOT NULL,
    used_ms       BIGINT  NOT NULL DEFAULT 0,
    used_service  TEXT    NOT NULL DEFAULT '',
    used_region   TEXT    NOT NULL DEFAULT ''
);

CREATE INDEX iam_access_keys_by_user ON iam_access_keys (user_id, access_key_id);

CREATE TABLE iam_roles (
    account       TEXT    NOT NULL,
    name_key      TEXT    NOT NULL,
    name          TEXT    NOT NULL,
    path          TEXT    NOT NULL,
    role_id       TEXT    NOT NULL UNIQUE,
    trust         TEXT    NOT NULL,
    description   TEXT    NOT NULL,
    max_session_s INTEGER NOT NULL,
    created_ms    BIGINT  NOT NULL,
    tags          TEXT    NOT NULL,
    PRIMARY KEY (account, name_key)
);

CREATE TABLE iam_inline_policies (
    owner_id TEXT NOT NULL,
    name     TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (owner_id, name)
);

CREATE TABLE iam_policies (
    arn             TEXT    NOT NULL PRIMARY KEY,
    account         TEXT    NOT NULL,
    name_key        TEXT    NOT NULL,
    name            TEXT    NOT NULL,
    path            TEXT    NOT NULL,
    policy_id       TEXT    NOT NULL UNIQUE,
    description     TEXT    NOT NULL,
    default_version INTEGER NOT NULL,
    last_version    INTEGER NOT NULL,
    created_ms      BIGINT  NOT NULL,
    updated_ms      BIGINT  NOT NULL,
    tags            TEXT    NOT NULL,
    UNIQUE (account, name_key)
);

CREATE TABLE iam_policy_versions (
    arn        TEXT    NOT NULL REFERENCES iam_policies (arn),
    number     INTEGER NOT NULL,
    document   TEXT    NOT NULL,
    created_ms BIGINT  NOT NULL,
    PRIMARY KEY (arn, number)
);

-- `policy_arn` may be one of AWS's own policies, which have no row.
CREATE TABLE iam_attachments (
    owner_id   TEXT NOT NULL,
    policy_arn TEXT NOT NULL,
    account    TEXT NOT NULL,
    kind       TEXT NOT NULL,
    PRIMARY KEY (owner_id, policy_arn)
);

CREATE INDEX iam_attachments_by_policy ON iam_attachments (account, policy_arn, kind);
