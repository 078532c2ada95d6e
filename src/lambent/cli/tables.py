"""A table whose changes trigger a function, made or brought up to date through the public API."""

from typing import Any

from lambent.cli.access import Access, client
from lambent.cli.queues import queue_named

RETRIES = 5  # of what fails, before it is given up
VIEW = "NEW_AND_OLD_IMAGES"


def table_function(access: Access, table: str, function: dict[str, Any], reports_failures: bool) -> tuple[str, str]:
    """Let the changes of the table trigger the function; the stream's ARN, and the URL of the queue for what failed."""
    stream = _stream(client(access, "dynamodb"), table)
    url, arn = queue_named(client(access, "sqs"), f"{table}-dead", {})
    settings = {
        "BisectBatchOnFunctionError": True,
        "MaximumRetryAttempts": RETRIES,
        "DestinationConfig": {"OnFailure": {"Destination": arn}},
        "FunctionResponseTypes": ["ReportBatchItemFailures"] if reports_failures else [],
    }
    lambda_, name = client(access, "lambda"), function["FunctionName"]
    present = lambda_.list_event_source_mappings(EventSourceArn=stream, FunctionName=name)["EventSourceMappings"]
    if present:
        lambda_.update_event_source_mapping(UUID=present[0]["UUID"], **settings)
    else:
        lambda_.create_event_source_mapping(
            EventSourceArn=stream, FunctionName=name, StartingPosition="TRIM_HORIZON", **settings
        )
    return stream, url


def _stream(dynamodb: Any, table: str) -> str:
    """The stream of a table that is made at the first use; switched on, if the table has none."""
    specification = {"StreamEnabled": True, "StreamViewType": VIEW}
    try:
        found = dynamodb.describe_table(TableName=table)["Table"]
    except dynamodb.exceptions.ResourceNotFoundException:
        found = dynamodb.create_table(
            TableName=table,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            StreamSpecification=specification,
        )["TableDescription"]
    if not found.get("StreamSpecification", {}).get("StreamEnabled"):
        found = dynamodb.update_table(TableName=table, StreamSpecification=specification)["TableDescription"]
    return str(found["LatestStreamArn"])
