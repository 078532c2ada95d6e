-- Amazon S3. The names of buckets are everybody's, as on AWS: whoever makes one first has it.
CREATE TABLE buckets (
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL UNIQUE,
    created_ms INTEGER NOT NULL,
    versioning TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE INDEX buckets_by_account ON buckets (account, name);

-- What was put for a bucket as a whole, as JSON by the name of its subresource: cors, lifecycle, notification ...
CREATE TABLE settings (
    bucket_id INTEGER NOT NULL REFERENCES buckets (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (bucket_id, name)
) STRICT, WITHOUT ROWID;

-- Blobs that bodies are made of. `refs` counts pieces. Those of few bytes are `sealed_data`; the others lie outside this
-- database, where `sealed_key` opens them. What came before blobs were encrypted is `data`, or outside without a key.
CREATE TABLE blobs (
    name TEXT PRIMARY KEY,
    refs INTEGER NOT NULL,
    data BLOB,
    sealed_data BLOB,
    sealed_key BLOB
) STRICT;

-- Blobs outside of this database that nobody refers to any more, deleted a while later: a reader may be on its way.
CREATE TABLE garbage (
    blob TEXT PRIMARY KEY,
    due_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Bytes of a version or of a part of an upload: pieces of blobs, one after the other from `start`.
CREATE TABLE bodies (
    id INTEGER PRIMARY KEY AUTOINCREMENT
) STRICT;

CREATE TABLE pieces (
    body INTEGER NOT NULL REFERENCES bodies (id) ON DELETE CASCADE,
    start INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    blob TEXT NOT NULL,
    offset INTEGER NOT NULL,
    PRIMARY KEY (body, start)
) STRICT, WITHOUT ROWID;

-- Versions of objects and delete markers. A higher id is a later version. `facts` is JSON.
CREATE TABLE versions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    bucket_id INTEGER NOT NULL REFERENCES buckets (id),
    key TEXT NOT NULL,
    version TEXT NOT NULL,
    latest INTEGER NOT NULL,
    marker INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    etag TEXT NOT NULL,
    modified_ms INTEGER NOT NULL,
    body INTEGER,
    facts TEXT NOT NULL
) STRICT;

CREATE UNIQUE INDEX versions_by_key ON versions (bucket_id, key, id DESC);
CREATE UNIQUE INDEX versions_by_name ON versions (bucket_id, key, version);
CREATE UNIQUE INDEX versions_listed ON versions (bucket_id, key) WHERE latest = 1 AND marker = 0;
CREATE INDEX versions_by_age ON versions (bucket_id, modified_ms);

-- The parts that a version was uploaded in, for those who read it by part. `checksums` is JSON.
CREATE TABLE version_parts (
    version_id INTEGER NOT NULL REFERENCES versions (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    start INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    checksums TEXT NOT NULL,
    PRIMARY KEY (version_id, number)
) STRICT, WITHOUT ROWID;

-- Multipart uploads that were neither completed nor aborted. `facts` is JSON; `deleted_meanwhile` says that the key was
-- deleted since.
CREATE TABLE uploads (
    id TEXT PRIMARY KEY,
    bucket_id INTEGER NOT NULL REFERENCES buckets (id),
    key TEXT NOT NULL,
    started_ms INTEGER NOT NULL,
    facts TEXT NOT NULL,
    deleted_meanwhile INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX uploads_by_key ON uploads (bucket_id, key, started_ms, id);

CREATE TABLE parts (
    upload_id TEXT NOT NULL REFERENCES uploads (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    md5 TEXT NOT NULL,
    checksums TEXT NOT NULL,
    modified_ms INTEGER NOT NULL,
    body INTEGER NOT NULL,
    PRIMARY KEY (upload_id, number)
) STRICT, WITHOUT ROWID;

-- Notifications that were committed with what they tell of, until the common road of deliveries has them.
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY,
    body BLOB NOT NULL
) STRICT;

-- Buckets with lifecycle rules, and when they are carried out next.
CREATE TABLE lifecycles (
    bucket_id INTEGER PRIMARY KEY REFERENCES buckets (id) ON DELETE CASCADE,
    due_ms INTEGER NOT NULL
) STRICT;

CREATE INDEX lifecycles_by_due ON lifecycles (due_ms);
