-- name: event_source_mapping
SELECT record FROM event_source_mappings WHERE account = :account AND region = :region AND uuid = :uuid;

-- name: event_source_mappings_of
SELECT record FROM event_source_mappings
WHERE account = :account AND region = :region AND source_arn = :source_arn AND function_arn = :function_arn;

-- name: event_source_mappings_after
SELECT record FROM event_source_mappings
WHERE account = :account AND region = :region AND uuid > :uuid
    AND (:source_arn = '' OR source_arn = :source_arn)
    AND (:function_arn = '' OR function_arn = :function_arn)
ORDER BY uuid LIMIT :count;

-- name: every_event_source_mapping
SELECT record FROM event_source_mappings;

-- name: put_event_source_mapping
INSERT INTO event_source_mappings (account, region, uuid, source_arn, function_arn, record)
VALUES (:account, :region, :uuid, :source_arn, :function_arn, :record)
ON CONFLICT (account, region, uuid) DO UPDATE SET function_arn = excluded.function_arn, record = excluded.record;

-- name: delete_event_source_mapping
DELETE FROM event_source_mappings WHERE account = :account AND region = :region AND uuid = :uuid;
