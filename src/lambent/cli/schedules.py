"""A schedule that runs a function, made or brought up to date through the public API."""

import json
from typing import Any

from lambent.cli.access import Access, client

ROLE = "lambent-scheduler"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "scheduler.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ],
}
MAY_INVOKE = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": "*"}],
}


def schedule_function(access: Access, name: str, function_arn: str, expression: str, zone: str) -> None:
    """Let the schedule `name` of the default group run the function, whatever it did before."""
    scheduler = client(access, "scheduler")
    wanted: dict[str, Any] = {
        "Name": name,
        "ScheduleExpression": expression,
        "ScheduleExpressionTimezone": zone,
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {"Arn": function_arn, "RoleArn": _role(access)},
    }
    try:
        scheduler.create_schedule(**wanted)
    except scheduler.exceptions.ConflictException:
        scheduler.update_schedule(**wanted)


def _role(access: Access) -> str:
    """The ARN of the role that such schedules act as; made at the first use."""
    iam = client(access, "iam")
    try:
        role = iam.get_role(RoleName=ROLE)
    except iam.exceptions.NoSuchEntityException:
        role = iam.create_role(
            RoleName=ROLE,
            AssumeRolePolicyDocument=json.dumps(TRUST),
            Description="Schedules that `lambent deploy` made",
        )
        iam.put_role_policy(RoleName=ROLE, PolicyName="invoke", PolicyDocument=json.dumps(MAY_INVOKE))
    arn: str = role["Role"]["Arn"]
    return arn
