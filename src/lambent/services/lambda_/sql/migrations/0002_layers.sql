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
