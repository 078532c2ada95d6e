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
