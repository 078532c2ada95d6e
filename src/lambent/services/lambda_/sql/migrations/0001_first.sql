-- The tables of the Lambda service. What later issues add hangs on these by the same key:
-- aliases, policies, URLs and event invoke configurations are rows beside `versions`, keyed
-- (account, region, name, qualifier) and deleted with their function; layer versions are rows of
-- their own that refer to `code`.

-- A function: what holds for all of its versions.
CREATE TABLE functions (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    next_number INTEGER NOT NULL DEFAULT 1, -- never given out again, also after a version is deleted
    reserved_concurrency INTEGER,
    PRIMARY KEY (account, region, name)
) STRICT, WITHOUT ROWID;

-- Packages by their SHA-256. A row is there before the bytes are kept, and stays until they are
-- deleted, so that a killed process leaves nothing that collection does not find.
CREATE TABLE code (
    digest TEXT PRIMARY KEY,
    zipped_bytes INTEGER NOT NULL,
    unzipped_bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Number 0 is $LATEST, the only row that changes. `record` is the whole version as JSON.
CREATE TABLE versions (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    number INTEGER NOT NULL,
    code TEXT NOT NULL REFERENCES code (digest),
    code_bytes INTEGER NOT NULL,
    unsettled INTEGER NOT NULL, -- 1 while background work has still to bring it to rest
    record TEXT NOT NULL,
    PRIMARY KEY (account, region, name, number),
    FOREIGN KEY (account, region, name) REFERENCES functions (account, region, name) ON DELETE CASCADE
) STRICT;

CREATE INDEX versions_unsettled ON versions (unsettled) WHERE unsettled = 1;
CREATE INDEX versions_code ON versions (code);

CREATE TABLE tags (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    tag TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (account, region, name, tag),
    FOREIGN KEY (account, region, name) REFERENCES functions (account, region, name) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
