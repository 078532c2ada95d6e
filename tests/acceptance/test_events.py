"""EventBridge with boto3 and `aws`: an event goes in, a function runs."""

import json
import os
import signal
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

LOGGER = "import json\ndef handler(event, context):\n    print('SAW ' + json.dumps(event))\n"
ARN = "arn:aws:{}:us-east-1:000000000000:{}"
Wait = Callable[[Callable[[], Any]], Any]


@pytest.fixture
def function(platform: Any) -> str:
    """The ARN of a function that logs its event and that every rule of the account may invoke."""
    name = platform.create(LOGGER)
    return allowed(platform, name)


def allowed(platform: Any, name: str) -> str:
    lambda_ = platform.client("lambda")
    lambda_.add_permission(
        FunctionName=name, StatementId="rules", Action="lambda:InvokeFunction", Principal="events.amazonaws.com"
    )
    return str(lambda_.get_function_configuration(FunctionName=name)["FunctionArn"])


def seen(platform: Any, function_arn: str) -> list[Any]:
    """The events that the function has logged."""
    return [json.loads(line[4:]) for line in platform.logged(function_arn.rpartition(":")[2], "SAW")]


@pytest.fixture
def rule(platform: Any) -> Iterator[Callable[..., str]]:
    """Make rules with targets; they are gone after the test."""
    events, made = platform.client("events"), list[str]()

    def make(pattern: dict[str, Any], *targets: dict[str, Any]) -> str:
        name = f"rule-{uuid.uuid4().hex[:8]}"
        made.append(name)
        events.put_rule(Name=name, EventPattern=json.dumps(pattern))
        answer = events.put_targets(
            Rule=name, Targets=[{"Id": str(number)} | target for number, target in enumerate(targets)]
        )
        assert answer["FailedEntryCount"] == 0
        return name

    yield make
    for name in made:
        ids = [target["Id"] for target in events.list_targets_by_rule(Rule=name)["Targets"]]
        events.remove_targets(Rule=name, Ids=ids)
        events.delete_rule(Name=name)


def test_the_command_line_makes_a_rule_and_an_event_runs_a_function(
    platform: Any, function: str, eventually: Wait
) -> None:
    pattern = '{"source": ["shop"], "detail": {"total": [{"numeric": [">", 100]}]}}'
    made = platform.aws("events", "put-rule", "--name", "large-orders", "--event-pattern", pattern)
    assert made["RuleArn"].endswith(":rule/large-orders")
    put = platform.aws("events", "put-targets", "--rule", "large-orders", "--targets", f"Id=1,Arn={function}")
    assert put["FailedEntryCount"] == 0
    entries = [
        {"Source": "shop", "DetailType": "Order", "Detail": json.dumps({"total": total}), "Resources": ["r"]}
        for total in (99, 101)
    ]
    sent = platform.aws("events", "put-events", "--entries", json.dumps(entries))
    assert sent["FailedEntryCount"] == 0
    (event,) = eventually(lambda: seen(platform, function))
    assert event.pop("time").endswith("Z")
    assert event == {
        "version": "0",
        "id": sent["Entries"][1]["EventId"],
        "detail-type": "Order",
        "source": "shop",
        "account": "000000000000",
        "region": "us-east-1",
        "resources": ["r"],
        "detail": {"total": 101},
    }
    platform.aws("events", "remove-targets", "--rule", "large-orders", "--ids", "1")
    platform.aws("events", "delete-rule", "--name", "large-orders")


def test_targets_get_the_event_as_they_asked_for_it(
    platform: Any, function: str, rule: Callable[..., str], eventually: Wait
) -> None:
    transformer = {
        "InputPathsMap": {"who": "$.detail.name"},
        "InputTemplate": '{"text": "hello <who>", "whole": <aws.events.event.json>}',
    }
    rule(
        {"source": ["inputs"]},
        {"Arn": function, "Input": '{"constant": true}'},
        {"Arn": function, "InputPath": "$.detail"},
        {"Arn": function, "InputTransformer": transformer},
    )
    platform.client("events").put_events(
        Entries=[{"Source": "inputs", "DetailType": "t", "Detail": '{"name": "Ada \\"L\\""}'}]
    )
    found = eventually(lambda: len(all_ := seen(platform, function)) == 3 and all_)
    assert {"constant": True} in found
    assert {"name": 'Ada "L"'} in found
    (made,) = [each for each in found if "text" in each]
    assert made["text"] == 'hello Ada "L"'
    assert made["whole"]["detail"] == {"name": 'Ada "L"'}


def test_another_bus_and_a_log_group_are_targets_too(platform: Any, rule: Callable[..., str], eventually: Wait) -> None:
    events, logs = platform.client("events"), platform.client("logs")
    group = f"/aws/events/{uuid.uuid4().hex[:8]}"
    logs.create_log_group(logGroupName=group)
    bus = events.create_event_bus(Name=f"bus-{uuid.uuid4().hex[:8]}")["EventBusArn"]
    name = bus.rpartition("/")[2]
    events.put_rule(Name="all", EventBusName=name, EventPattern='{"account": [{"exists": true}]}')
    target = {"Id": "log", "Arn": f"arn:aws:logs:us-east-1:000000000000:log-group:{group}"}
    events.put_targets(Rule="all", EventBusName=name, Targets=[target])
    rule({"detail-type": ["forward"]}, {"Arn": bus})
    events.put_events(Entries=[{"Source": "s", "DetailType": "forward", "Detail": "{}"}])
    (logged,) = eventually(lambda: platform.logged(group))
    assert json.loads(logged)["detail-type"] == "forward"
    events.remove_targets(Rule="all", EventBusName=name, Ids=["log"])
    events.delete_rule(Name="all", EventBusName=name)
    events.delete_event_bus(Name=name)


def test_a_function_that_does_not_allow_it_is_not_invoked(
    platform: Any, rule: Callable[..., str], eventually: Wait
) -> None:
    """The dead letter goes nowhere here; the platform's log and metrics say that it was dropped."""
    name = platform.create(LOGGER)
    arn = platform.client("lambda").get_function_configuration(FunctionName=name)["FunctionArn"]
    good = allowed(platform, platform.create(LOGGER))
    rule({"source": ["forbidden"]}, {"Arn": arn}, {"Arn": good})
    platform.client("events").put_events(Entries=[{"Source": "forbidden", "DetailType": "t", "Detail": "{}"}])
    assert len(eventually(lambda: seen(platform, good))) == 1
    assert seen(platform, arn) == []


@pytest.fixture
def queue(platform: Any) -> Iterator[tuple[str, str]]:
    """The URL and the ARN of a queue that every rule of the account may send to."""
    sqs, name = platform.client("sqs"), f"q-{uuid.uuid4().hex[:8]}"
    url, arn = sqs.create_queue(QueueName=name)["QueueUrl"], ARN.format("sqs", name)
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnLike": {"aws:SourceArn": ARN.format("events", "rule/*")}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    yield url, arn
    sqs.delete_queue(QueueUrl=url)


def test_a_queue_gets_events(platform: Any, rule: Callable[..., str], queue: tuple[str, str]) -> None:
    sqs, (url, arn) = platform.client("sqs"), queue
    rule({"source": ["to-queue"]}, {"Arn": arn, "InputPath": "$.detail"})
    platform.client("events").put_events(Entries=[{"Source": "to-queue", "DetailType": "t", "Detail": '{"n": 1}'}])
    (message,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"]
    assert json.loads(message["Body"]) == {"n": 1}


def test_what_cannot_be_delivered_is_in_the_dead_letter_queue_and_says_why(
    platform: Any, rule: Callable[..., str], queue: tuple[str, str]
) -> None:
    """Source: EventBridge User Guide, "Using dead-letter queues to process undelivered events"."""
    sqs, (url, arn) = platform.client("sqs"), queue
    name = platform.create(LOGGER)  # nobody may invoke it
    function = platform.client("lambda").get_function_configuration(FunctionName=name)["FunctionArn"]
    target = {"Arn": function, "Input": "{}", "DeadLetterConfig": {"Arn": arn}}
    made = rule({"source": ["to-dead-letters"]}, target)
    entry = {"Source": "to-dead-letters", "DetailType": "t", "Detail": '{"n": 1}'}
    sent = platform.client("events").put_events(Entries=[entry])["Entries"][0]["EventId"]
    answer = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20, MessageAttributeNames=["All"])
    (message,) = answer["Messages"]
    assert json.loads(message["Body"])["id"] == sent
    facts = {key: value["StringValue"] for key, value in message["MessageAttributes"].items()}
    assert facts.pop("ERROR_MESSAGE")
    assert facts == {
        "ERROR_CODE": "NO_PERMISSIONS",
        "RETRY_ATTEMPTS": "0",
        "RULE_ARN": ARN.format("events", f"rule/{made}"),
        "TARGET_ARN": function,
    }


INVALID, GONE, PATTERN = "ValidationException", "ResourceNotFoundException", "InvalidEventPatternException"
RATE = {"Name": "r", "ScheduleExpression": "rate(1 hour)"}
LARGE = {"Source": "s", "DetailType": "t", "Detail": json.dumps("x" * 1_050_000)}


def to(arn: str) -> dict[str, Any]:
    return {"Rule": "nope", "Targets": [{"Id": "1", "Arn": arn}]}


BAD: list[tuple[str, dict[str, Any], str, str]] = [
    ("put_rule", {"Name": "r"}, INVALID, "EventPattern or ScheduleExpression must be specified"),
    ("put_rule", {"Name": "r", "EventPattern": '{"a": "b"}'}, PATTERN, "must be an object or an array"),
    ("put_rule", RATE | {"ScheduleExpression": "rate(1 hours)"}, INVALID, "ScheduleExpression is not valid."),
    ("put_rule", RATE | {"EventBusName": "b"}, INVALID, "only on the default event bus"),
    ("put_rule", {"Name": "r", "EventPattern": '{"a": [1]}', "EventBusName": "nope"}, GONE, "Event bus nope does not"),
    ("put_targets", to(ARN.format("lambda", "function:f")), GONE, "Rule nope does not exist on EventBus default."),
    ("put_targets", to(ARN.format("kinesis", "stream/s")), INVALID, "Lambent cannot deliver to kinesis"),
    ("put_targets", to("x"), INVALID, "Provided Arn is not in correct format"),
    ("describe_rule", {"Name": "nope"}, GONE, "does not exist"),
    ("delete_event_bus", {"Name": "default"}, INVALID, "Cannot delete event bus default."),
    ("test_event_pattern", {"EventPattern": "{}", "Event": "{}"}, PATTERN, "Empty objects are not allowed"),
    ("put_events", {"Entries": [LARGE]}, INVALID, "over the limit"),
    ("create_archive", {"ArchiveName": "a", "EventSourceArn": "arn"}, "NotImplemented", "CreateArchive"),
]


@pytest.mark.parametrize(("operation", "parameters", "code", "words"), BAD, ids=lambda each: str(each)[:30])
def test_bad_input_gets_the_error_of_aws(platform: Any, operation: str, parameters: Any, code: str, words: str) -> None:
    with pytest.raises(ClientError) as refusal:
        getattr(platform.client("events"), operation)(**parameters)
    assert refusal.value.response["Error"]["Code"] == code
    assert words in refusal.value.response["Error"]["Message"]


def test_kill_9_of_control_between_put_events_and_delivery_loses_nothing(
    own_server: Callable[..., Any], eventually: Wait
) -> None:
    platform = own_server("--edges", "1")
    arn = allowed(platform, platform.create(LOGGER))
    events = platform.client("events")
    events.put_rule(Name="all", EventPattern='{"source": ["kill"]}')
    events.put_targets(Rule="all", Targets=[{"Id": "1", "Arn": arn}])

    def put() -> list[dict[str, str]]:
        entry = {"Source": "kill", "DetailType": "t", "Detail": "{}"}
        try:
            return list(events.put_events(Entries=[entry] * 10)["Entries"])
        except events.exceptions.ClientError:  # control is coming back
            return []

    accepted = set[str]()
    for _ in range(3):
        for _ in range(5):
            accepted |= {each["EventId"] for each in eventually(put)}
        parts = json.loads(platform.lambent("status", "--data", platform.server.data, "--format", "json").stdout)
        os.kill(parts["parts"]["control"]["pid"], signal.SIGKILL)
    eventually(lambda: len(accepted) == 150 and accepted <= ids_seen(platform, arn))


def ids_seen(platform: Any, arn: str) -> set[str]:
    try:
        return {each["id"] for each in seen(platform, arn)}
    except ClientError:  # control is coming back
        return set()
