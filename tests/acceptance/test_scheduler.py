"""EventBridge Scheduler with boto3 and `aws`: a schedule runs a function."""

import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

LOGGER = "import json\ndef handler(event, context):\n    print('SAW ' + json.dumps(event))\n"
TRUST = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Principal": {"Service": "scheduler.amazonaws.com"},
        "Action": "sts:AssumeRole",
        # As the guide's "Confused deputy prevention" has it: the group's ARN, not the schedule's.
        "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:scheduler:*:000000000000:schedule-group/*"}},
    },
}
OFF = {"Mode": "OFF"}
Wait = Callable[[Callable[[], Any]], Any]


@pytest.fixture
def role(platform: Any) -> str:
    """The ARN of a role that Scheduler may assume."""
    made = platform.client("iam").create_role(
        RoleName=f"scheduler-{uuid.uuid4().hex[:8]}", AssumeRolePolicyDocument=json.dumps(TRUST)
    )
    return str(made["Role"]["Arn"])


def seen(platform: Any, name: str) -> list[Any]:
    return [json.loads(line[4:]) for line in platform.logged(name, "SAW")]


def test_the_command_line_makes_a_schedule_and_a_function_runs(platform: Any, role: str, eventually: Wait) -> None:
    """A rate without a start date begins at once."""
    name = platform.create(LOGGER)
    arn = platform.client("lambda").get_function_configuration(FunctionName=name)["FunctionArn"]
    target = {"Arn": arn, "RoleArn": role, "Input": '{"at": "<aws.scheduler.scheduled-time>"}'}
    made = platform.aws(
        "scheduler", "create-schedule", "--name", "often", "--schedule-expression", "rate(1 hour)",
        "--target", json.dumps(target), "--flexible-time-window", "Mode=OFF",
    )  # fmt: skip
    assert made["ScheduleArn"] == "arn:aws:scheduler:us-east-1:000000000000:schedule/default/often"
    (event,) = eventually(lambda: seen(platform, name))
    assert event["at"].startswith("20")
    listed = platform.aws("scheduler", "list-schedules", "--name-prefix", "often")["Schedules"]
    assert [each["Target"]["Arn"] for each in listed] == [arn]
    platform.aws("scheduler", "delete-schedule", "--name", "often")


def test_a_one_time_schedule_sends_an_event_and_is_gone(platform: Any, role: str, eventually: Wait) -> None:
    scheduler, events, logs = (platform.client(each) for each in ("scheduler", "events", "logs"))
    group = f"/aws/events/{uuid.uuid4().hex[:8]}"
    logs.create_log_group(logGroupName=group)
    events.put_rule(Name="from-schedule", EventPattern='{"source": ["nightly"]}')
    log = f"arn:aws:logs:us-east-1:000000000000:log-group:{group}"
    events.put_targets(Rule="from-schedule", Targets=[{"Id": "1", "Arn": log}])
    soon = (datetime.now(UTC) + timedelta(seconds=5)).strftime("%Y-%m-%dT%H:%M:%S")
    scheduler.create_schedule(
        Name="once",
        ScheduleExpression=f"at({soon})",
        ActionAfterCompletion="DELETE",
        FlexibleTimeWindow=OFF,
        Target={
            "Arn": "arn:aws:events:us-east-1:000000000000:event-bus/default",
            "RoleArn": role,
            "EventBridgeParameters": {"Source": "nightly", "DetailType": "tick"},
            "Input": '{"n": <aws.scheduler.attempt-number>}',
        },
    )
    (logged,) = eventually(lambda: platform.logged(group))
    event = json.loads(logged)
    assert (event["detail-type"], event["detail"]) == ("tick", {"n": 1})
    assert event["resources"] == ["arn:aws:scheduler:us-east-1:000000000000:schedule/default/once"]
    eventually(lambda: not scheduler.list_schedules(NamePrefix="once")["Schedules"])
    events.remove_targets(Rule="from-schedule", Ids=["1"])
    events.delete_rule(Name="from-schedule")


def test_the_nightly_job_is_deployed_by_one_command_and_runs(platform: Any, eventually: Wait) -> None:
    folder, lambda_ = Path(__file__).parents[2] / "examples" / "nightly_job", platform.client("lambda")
    for expression in ("cron(0 3 * * ? 2199)", "rate(1 day)"):  # the second begins at once
        words = ["--timeout", "60", "--schedule", expression, "--timezone", "Europe/Berlin"]
        done = platform.lambent("deploy", folder, "--data", platform.server.data, *words)
        assert done.returncode == 0, done.stderr
    found = platform.client("scheduler").get_schedule(Name="nightly_job")
    assert (found["ScheduleExpression"], found["ScheduleExpressionTimezone"]) == ("rate(1 day)", "Europe/Berlin")
    eventually(lambda: platform.logged("nightly_job", "REPORT"))
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    answer = lambda_.invoke(FunctionName="nightly_job", Payload=json.dumps({"time": tomorrow}))
    report = json.loads(answer["Payload"].read())
    assert report["functions"]["nightly_job"]["invocations"] >= 1
    assert report["functions"]["nightly_job"]["failures"] == 0
    platform.client("scheduler").delete_schedule(Name="nightly_job")


def test_pages_groups_and_tags(platform: Any, role: str) -> None:
    scheduler = platform.client("scheduler")
    group = scheduler.create_schedule_group(Name="team", Tags=[{"Key": "a", "Value": "1"}])["ScheduleGroupArn"]
    function = "arn:aws:lambda:us-east-1:000000000000:function:f"
    for number in range(5):
        scheduler.create_schedule(
            Name=f"s{number}",
            GroupName="team",
            ScheduleExpression="cron(0 3 * * ? *)",
            ScheduleExpressionTimezone="Europe/Berlin",
            StartDate=datetime(2030, 1, 1, tzinfo=UTC),
            FlexibleTimeWindow={"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15},
            Target={"Arn": function, "RoleArn": role},
        )
    pages = scheduler.get_paginator("list_schedules").paginate(GroupName="team", PaginationConfig={"PageSize": 2})
    assert [each["Name"] for page in pages for each in page["Schedules"]] == [f"s{number}" for number in range(5)]
    found = scheduler.get_schedule(Name="s1", GroupName="team")
    assert found["FlexibleTimeWindow"] == {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15}
    assert found["StartDate"] == datetime(2030, 1, 1, tzinfo=UTC)
    scheduler.tag_resource(ResourceArn=group, Tags=[{"Key": "b", "Value": "2"}])
    scheduler.untag_resource(ResourceArn=group, TagKeys=["a"])
    assert scheduler.list_tags_for_resource(ResourceArn=group)["Tags"] == [{"Key": "b", "Value": "2"}]
    scheduler.delete_schedule_group(Name="team")
    with pytest.raises(scheduler.exceptions.ResourceNotFoundException):
        scheduler.get_schedule(Name="s1", GroupName="team")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ScheduleExpression": "rate(0 hours)"}, "Invalid Schedule Expression rate(0 hours)"),
        ({"ScheduleExpressionTimezone": "Mars/Olympus"}, "Mars/Olympus"),
        ({"Target": {"Arn": "arn:aws:scheduler:::aws-sdk:sqs:sendMessage"}}, "no universal targets"),
        ({"Target": {"RoleArn": "arn:aws:iam::000000000000:role/nobody"}}, "must allow AWS EventBridge Scheduler"),
    ],
)
def test_bad_input_gets_the_error_of_aws(platform: Any, role: str, change: dict[str, Any], words: str) -> None:
    target = {"Arn": "arn:aws:lambda:us-east-1:000000000000:function:f", "RoleArn": role} | change.get("Target", {})
    request = {"Name": "bad", "ScheduleExpression": "rate(1 hour)", "FlexibleTimeWindow": OFF} | change
    with pytest.raises(ClientError) as refusal:
        platform.client("scheduler").create_schedule(**request | {"Target": target})
    assert refusal.value.response["Error"]["Code"] == "ValidationException"
    assert words in refusal.value.response["Error"]["Message"]
