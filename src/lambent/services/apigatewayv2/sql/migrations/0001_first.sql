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
