"""What CreateSchedule and UpdateSchedule refuse of a target: pure checks of its shape.

Source: the service model; EventBridge Scheduler User Guide, "Using templated targets".
"""

from collections.abc import Mapping
from typing import Any

from msgspec import DecodeError, json

from lambent.arn import parse_arn
from lambent.errors import ValidationError
from lambent.services.scheduler.firing import ATTEMPT

OF_OTHERS = (
    *("EcsParameters", "KinesisParameters", "SageMakerPipelineParameters"),
    *("EventBridgePutEventsV2Parameters", "EventBridgePutRawEventsParameters"),
)
SERVICES = ("lambda", "sqs", "sns", "events")
KINDS = {"lambda": "function:", "events": "event-bus/"}


def check_target(target: Mapping[str, Any]) -> None:
    """Raises ValidationError for a target that could not be carried out as it stands."""
    arn = target["Arn"]
    try:
        parts = parse_arn(arn)
    except ValueError:
        raise ValidationError("Provided Arn is not in correct format.") from None
    if parts.service == "scheduler":
        raise ValidationError(
            f"Lambent has no universal targets ({arn}); name the function, queue, topic or event bus itself."
        )
    if parts.service not in SERVICES or not parts.resource.startswith(KINDS.get(parts.service, "")):
        raise ValidationError(
            f"Lambent's schedules have functions, queues, topics and event buses as targets, not {arn}."
        )
    for name in OF_OTHERS:
        if target.get(name) is not None:
            raise ValidationError(f"{name} is for targets that Lambent does not have; leave it out.")
    if ("EventBridgeParameters" in target) is not (parts.service == "events"):
        raise ValidationError("EventBridgeParameters are for event buses, and event buses need them.")
    if "SqsParameters" in target and not (parts.service == "sqs" and arn.endswith(".fifo")):
        raise ValidationError("SqsParameters are for FIFO queues.")
    if arn.endswith(".fifo") and parts.service == "sqs" and not target.get("SqsParameters", {}).get("MessageGroupId"):
        raise ValidationError("A FIFO queue needs the MessageGroupId of SqsParameters.")
    _check_input(target, parts.service)


def _check_input(target: Mapping[str, Any], service: str) -> None:
    if "Input" not in target or service not in ("lambda", "events"):
        return
    try:
        value = json.decode(target["Input"].replace(ATTEMPT, "1"))
    except (DecodeError, RecursionError) as error:
        raise ValidationError(f"The Input has to be JSON for this target: {error}") from None
    if service == "events" and not isinstance(value, dict):
        raise ValidationError("The Input has to be a JSON object for an event bus: it becomes the event's detail.")
