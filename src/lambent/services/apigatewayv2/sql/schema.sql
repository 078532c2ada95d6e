-- API Gateway v2. The id of an API is unique in the whole installation: addresses name nothing else.
CREATE TABLE apis (
    api_id TEXT NOT NULL PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    record TEXT NOT NULL
) STRICT;

CREATE INDEX apis_by_place ON apis (account, region, api_id);

-- Routes, integrations, stages, deployments: whatever belongs to an API and goes with it. `record` is JSON.
CREATE TABLE parts (
    api_id TEXT NOT NULL REFERENCES apis (api_id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    part_id TEXT NOT NULL,
    name TEXT NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (api_id, kind, part_id),
    UNIQUE (api_id, kind, name)
) STRICT;

CREATE TABLE tags (
    arn TEXT NOT NULL,
    tag_key TEXT NOT NULL,
    tag_value TEXT NOT NULL,
    PRIMARY KEY (arn, tag_key)
) STRICT;

-- Custom domain names, of which a Host leads to one in the whole installation, and where their paths lead.
CREATE TABLE domain_names (
    name TEXT NOT NULL PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    record TEXT NOT NULL
) STRICT;

CREATE INDEX domain_names_by_place ON domain_names (account, region, name);

CREATE TABLE api_mappings (
    domain_name TEXT NOT NULL REFERENCES domain_names (name) ON DELETE CASCADE,
    mapping_id TEXT NOT NULL,
    mapping_key TEXT NOT NULL,
    api_id TEXT NOT NULL,
    stage TEXT NOT NULL,
    PRIMARY KEY (domain_name, mapping_id),
    UNIQUE (domain_name, mapping_key)
) STRICT;

CREATE INDEX api_mappings_by_api ON api_mappings (api_id, stage);
