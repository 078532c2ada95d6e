-- The tables of the Lambda service. What later issues add hangs on these by the same key:
-- policies, URLs and event invoke configurations are rows beside `versions`, keyed
-- (account, region, name, qualifier) and deleted with their function; layer versions are rows of
-- their own that refer to `code`, and so do the versions of functions that use them.

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

-- Number 0 is $LATEST, the only row that changes. `record` is the version as JSON, without what
-- `secrets` holds, which is sealed: environment variables and what could be guessed from.
CREATE TABLE versions (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    number INTEGER NOT NULL,
    code TEXT NOT NULL REFERENCES code (digest),
    code_bytes INTEGER NOT NULL,
    unsettled INTEGER NOT NULL, -- 1 while background work has still to bring it to rest
    record TEXT NOT NULL, secrets BLOB NOT NULL DEFAULT x'',
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

-- A layer: a name under which versions are published.
CREATE TABLE layers (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    next_number INTEGER NOT NULL DEFAULT 1, -- never given out again, also after a version is deleted
    PRIMARY KEY (account, region, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE layer_versions (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    number INTEGER NOT NULL,
    code TEXT NOT NULL REFERENCES code (digest),
    code_bytes INTEGER NOT NULL,
    runtimes TEXT NOT NULL, -- each between two spaces
    architectures TEXT NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (account, region, name, number),
    FOREIGN KEY (account, region, name) REFERENCES layers (account, region, name)
) STRICT;

CREATE INDEX layer_versions_code ON layer_versions (code);

-- The packages of layers that versions of functions use. They outlive the layer version itself.
CREATE TABLE version_layers (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    number INTEGER NOT NULL,
    code TEXT NOT NULL REFERENCES code (digest),
    PRIMARY KEY (account, region, name, number, code),
    FOREIGN KEY (account, region, name, number) REFERENCES versions (account, region, name, number) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX version_layers_code ON version_layers (code);

-- `other` is the second version of an alias with weights, NULL for none. `record` is the whole alias as JSON.
CREATE TABLE aliases (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    alias TEXT NOT NULL,
    version INTEGER NOT NULL,
    other INTEGER,
    record TEXT NOT NULL,
    PRIMARY KEY (account, region, name, alias),
    FOREIGN KEY (account, region, name) REFERENCES functions (account, region, name) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- Resource policies of functions, versions and aliases, as JSON.
CREATE TABLE policies (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    qualifier TEXT NOT NULL, -- empty, digits, or an alias
    document TEXT NOT NULL,
    PRIMARY KEY (account, region, name, qualifier),
    FOREIGN KEY (account, region, name) REFERENCES functions (account, region, name) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- Provisioned concurrency, on a version (its number) or an alias (its name). How much of it is
-- there is not kept: environments are, or are not.
CREATE TABLE provisioned (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    qualifier TEXT NOT NULL,
    requested INTEGER NOT NULL,
    modified_ms INTEGER NOT NULL,
    PRIMARY KEY (account, region, name, qualifier),
    FOREIGN KEY (account, region, name) REFERENCES functions (account, region, name) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- What is done with asynchronous events, by what they are sent to. `record` is JSON.
CREATE TABLE event_invoke_configs (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    qualifier TEXT NOT NULL, -- $LATEST, digits, or an alias
    record TEXT NOT NULL,
    PRIMARY KEY (account, region, name, qualifier),
    FOREIGN KEY (account, region, name) REFERENCES functions (account, region, name) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- The functions that may be in a loop; all others are stopped in one.
CREATE TABLE recursion_allowed (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (account, region, name),
    FOREIGN KEY (account, region, name) REFERENCES functions (account, region, name) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- What the start after a migration has still to do, because SQL alone cannot.
CREATE TABLE chores (chore TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;

-- Event source mappings. They outlive their function. `record` is the whole mapping as JSON.
CREATE TABLE event_source_mappings (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    uuid TEXT NOT NULL,
    source_arn TEXT NOT NULL,
    function_arn TEXT NOT NULL, -- with the qualifier, if it has one
    record TEXT NOT NULL,
    PRIMARY KEY (account, region, uuid)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX event_source_mappings_pair
ON event_source_mappings (account, region, source_arn, function_arn);

-- Function URLs, of functions and of aliases. `record` is JSON.
CREATE TABLE urls (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    qualifier TEXT NOT NULL, -- empty, or an alias
    url_id TEXT NOT NULL UNIQUE,
    record TEXT NOT NULL,
    PRIMARY KEY (account, region, name, qualifier),
    FOREIGN KEY (account, region, name) REFERENCES functions (account, region, name) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
