"""What any event source mapping may ask for; queue_mappings.py and stream_mappings.py have the rest.

Source: Lambda service model; behaviours section 21 for AWS's words. Other sources, and what Lambent does not carry
out, are refused by name.
"""

from typing import Any

import msgspec

from lambent.arn import Arn, parse_arn
from lambent.patterns.api import FilterCriteria, InvalidPattern
from lambent.services.lambda_.errors import InvalidParameter
from lambent.services.lambda_.mapping_store import EventSourceMapping
from lambent.services.operation import Request

MOST_FILTERS = 5
EVENT_COUNT = "EventCount"
REPORTS = "ReportBatchItemFailures"
NOT_OF_OURS = (
    *("Topics", "Queues", "SourceAccessConfigurations", "SelfManagedEventSource", "LoggingConfig"),
    *("AmazonManagedKafkaEventSourceConfig", "SelfManagedKafkaEventSourceConfig", "DocumentDBEventSourceConfig"),
)
NOT_CARRIED_OUT = {
    "KMSKeyArn": "encryption with keys of your own",
    "ProvisionedPollerConfig": "provisioned pollers; ScalingConfig limits the concurrency",
}
OTHER_SOURCES = ("kinesis", "kafka", "mq", "rds")


def checked_source(request: Request, account: str, region: str) -> str:
    """The ARN of the queue or stream that a new mapping names. Raises InvalidParameter."""
    arn: str = request.get("EventSourceArn") or ""
    try:
        parts = parse_arn(arn)
    except ValueError:
        raise InvalidParameter("Unrecognized event source.") from None
    if parts.service in OTHER_SOURCES:
        raise InvalidParameter(
            f"EventSourceArn is refused: this version of Lambent polls queues (sqs) and streams of tables (dynamodb), "
            f"not {parts.service}."
        )
    if parts.service != "sqs" and not is_stream(arn):
        raise InvalidParameter("Unrecognized event source.")
    _check_place(parts, account, region)
    return arn


def is_stream(source_arn: str) -> bool:
    """Whether an ARN is that of a table's stream."""
    parts = parse_arn(source_arn)
    place = parts.resource.split("/")
    return parts.service == "dynamodb" and len(place) == 4 and place[0::2] == ["table", "stream"]


def check_parameters(request: Request, source: str) -> None:
    """Whether the request names only what mappings of queues or streams have. Raises InvalidParameter."""
    for name in NOT_OF_OURS:
        if request.get(name) not in (None, [], {}, False):
            raise InvalidParameter(f"{name} is not supported for event source mappings of {source}.")
    for name, what in NOT_CARRIED_OUT.items():
        if request.get(name):
            raise InvalidParameter(f"{name} is refused: Lambent does not support {what}.")
    for metrics in request.get("MetricsConfig", {}).get("Metrics") or []:
        if metrics != EVENT_COUNT:
            raise InvalidParameter(f"The metrics {metrics} are not supported for event source mappings of {source}.")


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


def edited(mapping: EventSourceMapping, changes: dict[str, Any]) -> EventSourceMapping:
    """The mapping with these changes."""
    return msgspec.structs.replace(mapping, **changes)


def _check_place(parts: Arn, account: str, region: str) -> None:
    if parts.region != region:
        raise InvalidParameter(f"EventSourceArn is refused: the source is in {parts.region}, the function in {region}.")
    if parts.account != account:
        raise InvalidParameter("EventSourceArn is refused: Lambent does not poll sources of other accounts.")


def _filters(criteria: dict[str, Any]) -> tuple[str, ...]:
    patterns = tuple(each.get("Pattern", "") for each in criteria.get("Filters") or [])
    if len(patterns) > MOST_FILTERS:
        raise InvalidParameter(f"FilterCriteria can have at most {MOST_FILTERS} filters.")
    try:
        FilterCriteria(patterns, "body")
    except InvalidPattern:
        raise InvalidParameter("Invalid filter pattern definition.") from None
    return patterns
