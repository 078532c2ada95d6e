"""A queue that triggers a function, with a dead-letter queue, made or brought up to date through the public API."""

import json
from typing import Any

from lambent.cli.access import Access, client

RECEIVES = 5  # before a message is given up. Source: Lambda Developer Guide advises at least five
VISIBILITY_FACTOR = 6  # times the function's timeout; advised in the same place
SHORTEST_VISIBILITY_S = 30
FIFO = ".fifo"


def queue_function(access: Access, queue: str, function: dict[str, Any], reports_failures: bool) -> tuple[str, str]:
    """Let the queue trigger the function; the URLs of the queue and of its dead-letter queue."""
    sqs = client(access, "sqs")
    stem, suffix = (queue.removesuffix(FIFO), FIFO) if queue.endswith(FIFO) else (queue, "")
    kind = {"FifoQueue": "true", "ContentBasedDeduplication": "true"} if suffix else {}
    dead_url, dead_arn = queue_named(sqs, f"{stem}-dead{suffix}", kind)
    url, arn = queue_named(sqs, queue, kind)
    visibility_s = max(SHORTEST_VISIBILITY_S, VISIBILITY_FACTOR * function["Timeout"])
    redrive = {"deadLetterTargetArn": dead_arn, "maxReceiveCount": RECEIVES}
    wanted = {"VisibilityTimeout": str(visibility_s), "RedrivePolicy": json.dumps(redrive)}
    sqs.set_queue_attributes(QueueUrl=url, Attributes=wanted)
    _map(client(access, "lambda"), arn, function["FunctionName"], reports_failures)
    return url, dead_url


def queue_named(sqs: Any, name: str, kind: dict[str, str]) -> tuple[str, str]:
    """The URL and the ARN of a queue that is made at the first use."""
    try:
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    except sqs.exceptions.QueueDoesNotExist:
        url = sqs.create_queue(QueueName=name, Attributes=kind)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return url, arn


def _map(lambda_: Any, arn: str, function: str, reports_failures: bool) -> None:
    """The mapping between them; one that is there keeps what is not said here."""
    types = ["ReportBatchItemFailures"] if reports_failures else []
    present = lambda_.list_event_source_mappings(EventSourceArn=arn, FunctionName=function)["EventSourceMappings"]
    if present:
        lambda_.update_event_source_mapping(UUID=present[0]["UUID"], FunctionResponseTypes=types)
    else:
        lambda_.create_event_source_mapping(EventSourceArn=arn, FunctionName=function, FunctionResponseTypes=types)
