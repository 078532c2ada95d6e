"""A schedule that runs a function, made or brought up to date through the public API."""

from typing import Any

from lambent.cli.access import Access, client
from lambent.cli.service_roles import SCHEDULER, role_arn


def schedule_function(access: Access, name: str, function_arn: str, expression: str, zone: str) -> None:
    """Let the schedule `name` of the default group run the function, whatever it did before."""
    scheduler = client(access, "scheduler")
    wanted: dict[str, Any] = {
        "Name": name,
        "ScheduleExpression": expression,
        "ScheduleExpressionTimezone": zone,
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {"Arn": function_arn, "RoleArn": role_arn(access, SCHEDULER)},
    }
    try:
        scheduler.create_schedule(**wanted)
    except scheduler.exceptions.ConflictException:
        scheduler.update_schedule(**wanted)
