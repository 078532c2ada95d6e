"""What an event source mapping of a table's stream may ask for. Pure, but for the destinations that it is told of.

Source: Lambda service model; Lambda Developer Guide, "Lambda parameters for Amazon DynamoDB event source mappings";
behaviours section 21 for AWS's words. Where a mapping begins is settled when it is made: no update changes it.
"""

from typing import Any

import msgspec

from lambent.pollers.api import FOR_EVER, StreamSettings
from lambent.services.lambda_.api import Destinations
from lambent.services.lambda_.destinations import check_destination, check_there
from lambent.services.lambda_.errors import Conflict, InvalidParameter
from lambent.services.lambda_.mapping_store import EventSourceMapping
from lambent.services.operation import Answer, Request

BATCH_SIZE = 100
POSITIONS = ("TRIM_HORIZON", "LATEST")
SHORTEST_AGE_S = 60
DESTINATIONS = ("sqs", "sns", "s3")
SETTINGS = {
    "ParallelizationFactor": "parallel",
    "BisectBatchOnFunctionError": "bisects",
    "MaximumRetryAttempts": "max_retries",
    "MaximumRecordAgeInSeconds": "max_age_s",
    "TumblingWindowInSeconds": "tumbling_s",
}


def starting_settings(request: Request, source_arn: str) -> StreamSettings:
    """Where a new mapping begins. Raises InvalidParameter."""
    position = request.get("StartingPosition")
    if not position:
        raise InvalidParameter(
            "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: "
            "Member must not be null."
        )
    if position not in POSITIONS or request.get("StartingPositionTimestamp"):
        raise InvalidParameter(f"Unsupported starting position for arn type: {source_arn}")
    return StreamSettings(position)


def stream_settings(request: Request, present: StreamSettings) -> StreamSettings:
    """The settings with what a request sets. Raises InvalidParameter."""
    if request.get("ScalingConfig"):
        raise InvalidParameter(
            "ScalingConfig is not supported for event source mappings of DynamoDB streams; "
            "ParallelizationFactor is what sets their concurrency."
        )
    changes: dict[str, Any] = {ours: request[name] for name, ours in SETTINGS.items() if request.get(name) is not None}
    if request.get("DestinationConfig") is not None:
        changes["on_failure"] = _on_failure(request["DestinationConfig"])
    settings = msgspec.structs.replace(present, **changes)
    if settings.max_age_s != FOR_EVER and settings.max_age_s < SHORTEST_AGE_S:
        raise InvalidParameter(
            f"MaximumRecordAgeInSeconds must be {FOR_EVER} or at least {SHORTEST_AGE_S}, not {settings.max_age_s}."
        )
    return settings


async def check_on_failure(mapping: EventSourceMapping, known: Destinations) -> None:
    """Whether the mapping's destination is there and can be delivered to. Raises InvalidParameter."""
    if mapping.stream is not None and mapping.stream.on_failure:
        check_destination(mapping.stream.on_failure, mapping.function, DESTINATIONS, known.served())
        await check_there(mapping.stream.on_failure, known)


def stream_taken(mapping: EventSourceMapping, other: EventSourceMapping) -> Conflict:
    """There is another mapping of the same stream and function."""
    return Conflict(
        f'The event source arn (" {mapping.source_arn} ") and function (" {mapping.function.name} ") provided mapping '
        f"already exists. Please update or delete the existing mapping with UUID {other.uuid}"
    )


def shown_settings(settings: StreamSettings) -> Answer:
    """The settings in an EventSourceMappingConfiguration."""
    answer: Answer = {name: getattr(settings, ours) for name, ours in SETTINGS.items()}
    answer["StartingPosition"] = settings.starting_position
    answer["DestinationConfig"] = {"OnFailure": {"Destination": settings.on_failure} if settings.on_failure else {}}
    return answer


def _on_failure(config: dict[str, Any]) -> str:
    if (config.get("OnSuccess") or {}).get("Destination"):
        raise InvalidParameter("DestinationConfig.OnSuccess is not supported for event source mappings.")
    return str((config.get("OnFailure") or {}).get("Destination") or "")
