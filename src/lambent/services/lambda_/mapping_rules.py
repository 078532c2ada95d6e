"""What an event source mapping of a queue may ask for. Pure, but for the functions and queues that it is told of.

Source: Lambda service model; Lambda Developer Guide, "Creating and configuring an Amazon SQS event source mapping";
behaviours section 21 for AWS's words. Other sources, and what Lambent does not carry out, are refused by name.
"""

from typing import Any

import msgspec

from lambent.arn import Arn, parse_arn
from lambent.errors import ServiceError
from lambent.patterns.api import FilterCriteria, InvalidPattern
from lambent.pollers.api import QueueFacts
from lambent.services.lambda_.api import Queues
from lambent.services.lambda_.errors import InvalidParameter
from lambent.services.lambda_.mapping_store import EventSourceMapping
from lambent.services.lambda_.model import Version
from lambent.services.operation import Request

MOST_WITHOUT_WINDOW = MOST_OF_FIFO = 10
MOST_FILTERS = 5
EVENT_COUNT = "EventCount"
REPORTS = "ReportBatchItemFailures"
NOT_OF_QUEUES = (
    *("ParallelizationFactor", "DestinationConfig", "MaximumRecordAgeInSeconds", "BisectBatchOnFunctionError"),
    *("MaximumRetryAttempts", "TumblingWindowInSeconds", "Topics", "Queues", "SourceAccessConfigurations"),
    *("SelfManagedEventSource", "AmazonManagedKafkaEventSourceConfig", "SelfManagedKafkaEventSourceConfig"),
    *("DocumentDBEventSourceConfig", "LoggingConfig", "StartingPositionTimestamp"),
)
NOT_CARRIED_OUT = {
    "KMSKeyArn": "encryption with keys of your own",
    "ProvisionedPollerConfig": "provisioned pollers; ScalingConfig limits the concurrency",
}
OTHER_SOURCES = ("dynamodb", "kinesis", "kafka", "mq", "rds")
NO_QUEUE = (
    "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. "
    "SQS Error Message: The specified queue does not exist."
)


def checked_source(request: Request, account: str, region: str) -> str:
    """The ARN of the queue that a new mapping names. Raises InvalidParameter."""
    arn: str = request.get("EventSourceArn") or ""
    try:
        parts = parse_arn(arn)
    except ValueError:
        raise InvalidParameter("Unrecognized event source.") from None
    if parts.service in OTHER_SOURCES:
        raise InvalidParameter(
            f"EventSourceArn is refused: this version of Lambent polls queues (sqs), not {parts.service}."
        )
    if parts.service != "sqs":
        raise InvalidParameter("Unrecognized event source.")
    _check_place(parts, account, region)
    return arn


def check_parameters(request: Request, source_arn: str) -> None:
    """Whether the request names only what a queue's mapping has. Raises InvalidParameter."""
    if request.get("StartingPosition"):
        raise InvalidParameter(f"Unsupported starting position for arn type: {source_arn}")
    for name in NOT_OF_QUEUES:
        if request.get(name) not in (None, [], {}, False):
            raise InvalidParameter(f"{name} is not supported for event source mappings of SQS queues.")
    for name, what in NOT_CARRIED_OUT.items():
        if request.get(name):
            raise InvalidParameter(f"{name} is refused: Lambent does not support {what}.")
    for metrics in request.get("MetricsConfig", {}).get("Metrics") or []:
        if metrics != EVENT_COUNT:
            raise InvalidParameter(f"The metrics {metrics} are not supported for event source mappings of SQS queues.")


def changes_of(request: Request) -> dict[str, Any]:
    """What a request sets, in our fields; what it does not name stays as it was. Raises InvalidParameter."""
    changes: dict[str, Any] = {}
    for theirs, ours in (("BatchSize", "batch_size"), ("MaximumBatchingWindowInSeconds", "window_s")):
        if request.get(theirs) is not None:
            changes[ours] = request[theirs]
    if request.get("Enabled") is not None:
        changes["enabled"] = request["Enabled"]
    if request.get("FilterCriteria") is not None:
        changes["filters"] = _filters(request["FilterCriteria"])
    if request.get("FunctionResponseTypes") is not None:
        changes["reports_failures"] = REPORTS in request["FunctionResponseTypes"]
    if request.get("ScalingConfig") is not None:
        changes["most_concurrent"] = request["ScalingConfig"].get("MaximumConcurrency")
    if request.get("MetricsConfig") is not None:
        changes["counts_events"] = EVENT_COUNT in (request["MetricsConfig"].get("Metrics") or [])
    return changes


def check_queue(queues: Queues, mapping: EventSourceMapping, version: Version) -> None:
    """Whether the mapping fits its queue and its function. Raises InvalidParameter."""
    try:
        facts = queues.facts(mapping.source_arn)
    except ServiceError:
        raise InvalidParameter(NO_QUEUE) from None
    _check_batching(mapping, facts)
    timeout_s = version.configuration.timeout_s
    if facts.visibility_s < timeout_s:
        raise InvalidParameter(
            f"Queue visibility timeout: {facts.visibility_s} seconds is less than Function timeout: {timeout_s} seconds"
        )


def edited(mapping: EventSourceMapping, changes: dict[str, Any]) -> EventSourceMapping:
    """The mapping with these changes."""
    return msgspec.structs.replace(mapping, **changes)


def _check_batching(mapping: EventSourceMapping, facts: QueueFacts) -> None:
    if facts.fifo and mapping.window_s:
        raise InvalidParameter("Batching window is not supported for FIFO queues")
    if facts.fifo and mapping.batch_size > MOST_OF_FIFO:
        raise InvalidParameter(f"BatchSize for FIFO queues cannot be greater than {MOST_OF_FIFO}.")
    if mapping.batch_size > MOST_WITHOUT_WINDOW and not mapping.window_s:
        raise InvalidParameter(
            "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"
        )


def _check_place(parts: Arn, account: str, region: str) -> None:
    if parts.region != region:
        raise InvalidParameter(f"EventSourceArn is refused: the queue is in {parts.region}, the function in {region}.")
    if parts.account != account:
        raise InvalidParameter("EventSourceArn is refused: Lambent does not poll queues of other accounts.")


def _filters(criteria: dict[str, Any]) -> tuple[str, ...]:
    patterns = tuple(each.get("Pattern", "") for each in criteria.get("Filters") or [])
    if len(patterns) > MOST_FILTERS:
        raise InvalidParameter(f"FilterCriteria can have at most {MOST_FILTERS} filters.")
    try:
        FilterCriteria(patterns, "body")
    except InvalidPattern:
        raise InvalidParameter("Invalid filter pattern definition.") from None
    return patterns
