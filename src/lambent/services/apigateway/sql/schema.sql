-- REST APIs. `document` is the RestDocument as JSON.
CREATE TABLE apis (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    api_id TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (account, region, api_id)
) STRICT;

CREATE UNIQUE INDEX apis_by_id ON apis (api_id);

-- What was deployed: `deployment` is the Deployment, `document` the API as it was then.
CREATE TABLE deployments (
    api_id TEXT NOT NULL,
    deployment_id TEXT NOT NULL,
    deployment TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (api_id, deployment_id)
) STRICT;

CREATE TABLE stages (
    api_id TEXT NOT NULL,
    name TEXT NOT NULL,
    stage TEXT NOT NULL,
    PRIMARY KEY (api_id, name)
) STRICT;

-- API keys, usage plans and the account's settings, by `kind`; each `part` as JSON.
CREATE TABLE parts (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    part TEXT NOT NULL,
    PRIMARY KEY (account, region, kind, id)
) STRICT;

CREATE TABLE key_values (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    value TEXT NOT NULL,
    key_id TEXT NOT NULL,
    PRIMARY KEY (account, region, value)
) STRICT;

CREATE TABLE plan_keys (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    plan_id TEXT NOT NULL,
    key_id TEXT NOT NULL,
    PRIMARY KEY (account, region, plan_id, key_id)
) STRICT;

-- `day` is the number of the day since the epoch, UTC. `extra` is what UpdateUsage gave or took.
CREATE TABLE used (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    plan_id TEXT NOT NULL,
    key_id TEXT NOT NULL,
    day INTEGER NOT NULL,
    count INTEGER NOT NULL DEFAULT 0,
    extra INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account, region, plan_id, key_id, day)
) STRICT;
