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
