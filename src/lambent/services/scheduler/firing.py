"""What a schedule sends: from a plan and a moment to a Delivery. Pure.

Sources: EventBridge Scheduler User Guide, "Adding context attributes in EventBridge Scheduler", "Using templated
targets", "Configuring a dead-letter queue", "Confused deputy prevention". The event of a target without Input is the
one that Scheduler's guide shows for functions.
"""

from datetime import UTC, datetime

from msgspec import json

from lambent.delivery.api import LONGEST_AGE_S, MOST_RETRIES, DeadLetter, Delivery
from lambent.services.scheduler.model import Schedule

PRINCIPAL = "scheduler.amazonaws.com"
ATTEMPT = "<aws.scheduler.attempt-number>"


def delivery_of(schedule: Schedule, moment_ms: int, execution_id: str) -> Delivery:
    """What the schedule sends for that moment."""
    target = schedule.plan.target
    policy = target.get("RetryPolicy", {})
    queue = target.get("DeadLetterConfig", {}).get("Arn")
    payload = _payload(schedule, moment_ms, execution_id)
    facts = {
        "SCHEDULE_ARN": schedule.arn,
        "SCHEDULED_TIME": iso(moment_ms),
        "TARGET_ARN": target["Arn"],
    }
    return Delivery(
        account=schedule.group.account,
        region=schedule.group.region,
        target_arn=target["Arn"],
        payload=payload,
        source_arn=schedule.group.arn,  # what aws:SourceArn is for an execution role
        principal=PRINCIPAL,
        accepted_ms=_due_ms(schedule, moment_ms),
        role_arn=target["RoleArn"],
        options=_options(schedule),
        max_retries=policy.get("MaximumRetryAttempts", MOST_RETRIES),
        max_age_s=policy.get("MaximumEventAgeInSeconds", LONGEST_AGE_S),
        dead_letter=DeadLetter(queue, payload, facts, target["RoleArn"]) if queue else None,
        attempt_mark=ATTEMPT if ATTEMPT.encode() in payload else "",
    )


def iso(moment_ms: int) -> str:
    """`2026-01-31T23:59:59Z`."""
    return datetime.fromtimestamp(moment_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _payload(schedule: Schedule, moment_ms: int, execution_id: str) -> bytes:
    given = schedule.plan.target.get("Input")
    if given is None:
        return b"{}" if "EventBridgeParameters" in schedule.plan.target else _event(schedule, moment_ms, execution_id)
    text: str = given
    for name, value in (
        ("schedule-arn", schedule.arn),
        ("scheduled-time", iso(moment_ms)),
        ("execution-id", execution_id),
    ):
        text = text.replace(f"<aws.scheduler.{name}>", value)
    return text.encode()


def _event(schedule: Schedule, moment_ms: int, execution_id: str) -> bytes:
    return json.encode(
        {
            "version": "0",
            "id": execution_id,
            "detail-type": "Scheduled Event",
            "source": "aws.scheduler",
            "account": schedule.group.account,
            "time": iso(moment_ms),
            "region": schedule.group.region,
            "resources": [schedule.arn],
            "detail": "{}",
        }
    )


def _due_ms(schedule: Schedule, moment_ms: int) -> int:
    """When the delivery's age begins: when it was due, behind its window, or the moment that is made up for."""
    due_ms = schedule.times.due_ms
    return due_ms if due_ms is not None and schedule.times.moment_ms == moment_ms else moment_ms


def _options(schedule: Schedule) -> dict[str, str]:
    target = schedule.plan.target
    options = {
        "Resources": schedule.arn if "EventBridgeParameters" in target else "",
        "MessageGroupId": target.get("SqsParameters", {}).get("MessageGroupId", ""),
        "Source": target.get("EventBridgeParameters", {}).get("Source", ""),
        "DetailType": target.get("EventBridgeParameters", {}).get("DetailType", ""),
    }
    return {name: value for name, value in options.items() if value}
