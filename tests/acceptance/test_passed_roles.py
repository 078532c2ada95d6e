"""Roles that are handed to services: only within their own account, whichever service they are handed to."""

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.acceptance.conftest import zipped

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

THIEF, OWNER = "111111111111", "222222222222"
SERVICES = ["lambda.amazonaws.com", "events.amazonaws.com", "scheduler.amazonaws.com"]
CODE = {"ZipFile": zipped({"app.py": "def handler(event, context): return 1"})}


def client(platform: "Platform", service: str, account: str) -> Any:
    """Of an account which a development server makes of twelve digits."""
    keys = {"aws_access_key_id": account, "aws_secret_access_key": "test", "region_name": "us-east-1"}
    once = Config(retries={"total_max_attempts": 1})
    return boto3.Session(**keys).client(service, endpoint_url=platform.endpoint, config=once)


def attempts(platform: "Platform", role: str) -> Iterator[Callable[[], Any]]:
    """Every way in which the thief may hand `role` to a service."""
    lambda_, events = client(platform, "lambda", THIEF), client(platform, "events", THIEF)
    queue = f"arn:aws:sqs:us-east-1:{THIEF}:queue"
    function = {"Runtime": "python3.11", "Handler": "app.handler", "Code": CODE}
    yield lambda: lambda_.create_function(FunctionName="theirs", Role=role, **function)
    own = f"arn:aws:iam::{THIEF}:role/own"
    lambda_.create_function(FunctionName="own", Role=own, **function)
    lambda_.get_waiter("function_active_v2").wait(FunctionName="own")
    yield lambda: lambda_.update_function_configuration(FunctionName="own", Role=role)
    assert lambda_.get_function_configuration(FunctionName="own")["Role"] == own
    yield lambda: events.put_rule(Name="rule", EventPattern='{"source": ["x"]}', RoleArn=role)
    events.put_rule(Name="rule", EventPattern='{"source": ["x"]}')
    yield lambda: events.put_targets(Rule="rule", Targets=[{"Id": "1", "Arn": queue, "RoleArn": role}])
    yield lambda: client(platform, "scheduler", THIEF).create_schedule(
        Name="schedule",
        ScheduleExpression="rate(1 minute)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": f"arn:aws:sqs:us-east-1:{OWNER}:queue", "RoleArn": role},
    )


def test_no_service_acts_as_a_role_of_another_account(own_server: Callable[..., "Platform"]) -> None:
    """Source: IAM User Guide, "Grant a user permissions to pass a role to an AWS service"."""
    platform = own_server("--dev-credentials")
    trusted = {"Effect": "Allow", "Principal": {"Service": SERVICES}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trusted]})
    client(platform, "iam", THIEF).create_role(RoleName="own", AssumeRolePolicyDocument=document)
    made = client(platform, "iam", OWNER).create_role(RoleName="valuable", AssumeRolePolicyDocument=document)
    for attempt in attempts(platform, made["Role"]["Arn"]):
        with pytest.raises(ClientError) as caught:
            attempt()
        error = caught.value.response["Error"]
        assert (error["Code"], error["Message"]) == (
            "AccessDeniedException",
            "Cross-account pass role is not allowed.",
        )
