"""Queues that trigger functions, with boto3 and `aws` against a real server."""

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

RELAY = """
import json, boto3
def handler(event, context):
    boto3.client("sqs").send_message(QueueUrl="{out}", MessageBody=json.dumps(event))
"""


REPORTING = """
import json
def handler(event, context):
    bad = [each["messageId"] for each in event["Records"] if json.loads(each["body"]) in (3, 7)]
    return {"batchItemFailures": [{"itemIdentifier": name} for name in bad]}
"""


def new_queue(platform: "Platform", suffix: str = "", **attributes: str) -> tuple[str, str]:
    """The URL and the ARN of a new queue."""
    sqs = platform.client("sqs")
    url = sqs.create_queue(QueueName=f"q-{uuid.uuid4().hex[:10]}{suffix}", Attributes=attributes)["QueueUrl"]
    return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def received(platform: "Platform", url: str) -> list[Any]:
    """The bodies of what is in a queue, as JSON; deleted."""
    sqs, bodies = platform.client("sqs"), []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            bodies.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return bodies


def counts(platform: "Platform", url: str) -> tuple[int, int]:
    """How many messages are visible, and in flight."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = platform.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return int(found[names[0]]), int(found[names[1]])


def map_queue(platform: "Platform", eventually: Any, arn: str, function: str, **parameters: Any) -> str:
    """The UUID of a mapping that is enabled."""
    lambda_ = platform.client("lambda")
    made = lambda_.create_event_source_mapping(EventSourceArn=arn, FunctionName=function, **parameters)
    eventually(lambda: lambda_.get_event_source_mapping(UUID=made["UUID"])["State"] == "Enabled")
    return str(made["UUID"])


def test_a_message_runs_the_function_with_the_event_that_aws_sends_and_is_deleted(
    platform: "Platform", eventually: Callable[..., Any]
) -> None:
    """The event's form: Lambda Developer Guide, "Using Lambda with Amazon SQS"."""
    out, _ = new_queue(platform)
    url, arn = new_queue(platform)
    name = platform.create(RELAY.format(out=out))
    map_queue(platform, eventually, arn, name)
    attributes = {
        "Kind": {"DataType": "String", "StringValue": "order"},
        "Raw": {"DataType": "Binary", "BinaryValue": b"\x00\x01"},
    }
    sent = platform.client("sqs").send_message(QueueUrl=url, MessageBody="hello", MessageAttributes=attributes)
    (event,) = eventually(lambda: received(platform, out))
    (record,) = event["Records"]
    assert record["messageId"] == sent["MessageId"]
    assert record["md5OfBody"] == sent["MD5OfMessageBody"]
    assert record["md5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    assert (record["body"], record["eventSource"], record["eventSourceARN"]) == ("hello", "aws:sqs", arn)
    assert record["awsRegion"] == "us-east-1"
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert {"SenderId", "SentTimestamp", "ApproximateFirstReceiveTimestamp"} <= set(record["attributes"])
    empty: dict[str, list[str]] = {"stringListValues": [], "binaryListValues": []}
    assert record["messageAttributes"] == {
        "Kind": {"dataType": "String", "stringValue": "order", **empty},
        "Raw": {"dataType": "Binary", "binaryValue": "AAE=", **empty},
    }
    eventually(lambda: counts(platform, url) == (0, 0))


def test_only_failed_messages_come_again_and_end_in_the_dead_letter_queue(
    platform: "Platform", eventually: Callable[..., Any]
) -> None:
    """Partial batch responses: Lambda Developer Guide, "Reporting batch item failures"."""
    dead, dead_arn = new_queue(platform)
    # Three: on a busy machine the first start may take as long as the visibility timeout, which costs a receive.
    policy = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 3})
    url, arn = new_queue(platform, VisibilityTimeout="5", RedrivePolicy=policy)
    name = platform.create(REPORTING, Timeout=5)
    map_queue(platform, eventually, arn, name, FunctionResponseTypes=["ReportBatchItemFailures"])
    entries = [{"Id": str(n), "MessageBody": json.dumps(n)} for n in range(10)]
    platform.client("sqs").send_message_batch(QueueUrl=url, Entries=entries)
    eventually(lambda: counts(platform, dead) == (2, 0))
    assert counts(platform, url) == (0, 0)
    assert sorted(received(platform, dead)) == [3, 7]


def test_a_fifo_queue_is_run_in_order_group_by_group(platform: "Platform", eventually: Callable[..., Any]) -> None:
    out, _ = new_queue(platform)
    url, arn = new_queue(platform, ".fifo", FifoQueue="true", ContentBasedDeduplication="true")
    name = platform.create(RELAY.format(out=out))
    sqs = platform.client("sqs")
    for start in range(0, 30, 10):
        entries = [
            {"Id": str(n), "MessageBody": f"{n}", "MessageGroupId": f"g{n % 3}"} for n in range(start, start + 10)
        ]
        sqs.send_message_batch(QueueUrl=url, Entries=entries)
    map_queue(platform, eventually, arn, name)
    eventually(lambda: counts(platform, url) == (0, 0))
    eventually(lambda: counts(platform, out)[0] >= 3)
    records = [record for event in received(platform, out) for record in event["Records"]]
    assert sorted(int(record["body"]) for record in records) == list(range(30))
    assert all(record["attributes"]["MessageGroupId"] == f"g{int(record['body']) % 3}" for record in records)
    for group in range(3):
        found = [record for record in records if int(record["body"]) % 3 == group]
        numbers = [
            record["attributes"]["SequenceNumber"] for record in sorted(found, key=lambda each: int(each["body"]))
        ]
        assert numbers == sorted(numbers)


def test_the_unmodified_aws_command_line_makes_filters_lists_and_deletes(
    platform: "Platform", eventually: Callable[..., Any]
) -> None:
    out, _ = new_queue(platform)
    url, arn = new_queue(platform)
    name = platform.create(RELAY.format(out=out))
    criteria = json.dumps({"Filters": [{"Pattern": json.dumps({"body": {"kind": ["order"]}})}]})
    made = platform.aws(
        "lambda", "create-event-source-mapping", "--event-source-arn", arn, "--function-name", name,
        "--filter-criteria", criteria, "--scaling-config", "MaximumConcurrency=2", "--batch-size", "1",
        "--metrics-config", "Metrics=EventCount",
    )  # fmt: skip
    assert made["State"] == "Creating"
    get = ("lambda", "get-event-source-mapping", "--uuid", made["UUID"])
    eventually(lambda: platform.aws(*get)["State"] == "Enabled")
    sqs = platform.client("sqs")
    for kind in ("noise", "order"):
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"kind": kind}))
    (event,) = eventually(lambda: received(platform, out))
    assert json.loads(event["Records"][0]["body"]) == {"kind": "order"}
    eventually(lambda: counts(platform, url) == (0, 0))
    wanted = [{"Name": "EventSourceMappingUUID", "Value": made["UUID"]}]
    cloudwatch = platform.client("cloudwatch")
    counted = {"PolledEventCount", "FilteredOutEventCount", "InvokedEventCount", "DeletedEventCount"}

    def metrics() -> set[str]:
        found = cloudwatch.list_metrics(Namespace="AWS/Lambda", Dimensions=wanted)["Metrics"]
        return {metric["MetricName"] for metric in found}

    eventually(lambda: metrics() == counted)
    pages = platform.client("lambda").get_paginator("list_event_source_mappings")
    pages_of = pages.paginate(FunctionName=name, PaginationConfig={"PageSize": 1})
    assert [each["UUID"] for page in pages_of for each in page["EventSourceMappings"]] == [made["UUID"]]
    deleted = platform.aws("lambda", "delete-event-source-mapping", "--uuid", made["UUID"])
    assert deleted["State"] == "Deleting"
    eventually(lambda: platform.command(platform.bin / "aws", *get).returncode != 0)


def test_a_deleted_function_disables_its_mapping_and_its_messages_stay(
    platform: "Platform", eventually: Callable[..., Any]
) -> None:
    url, arn = new_queue(platform)
    lambda_, name = platform.client("lambda"), platform.create("def handler(event, context):\n    pass\n")
    made = map_queue(platform, eventually, arn, name)
    lambda_.delete_function(FunctionName=name)
    platform.client("sqs").send_message(QueueUrl=url, MessageBody="kept")
    shown = eventually(lambda: (found := lambda_.get_event_source_mapping(UUID=made))["State"] == "Disabled" and found)
    assert shown["LastProcessingResult"].startswith("PROBLEM: Function not found")
    assert counts(platform, url) == (1, 0)


def test_the_example_is_deployed_by_one_command_again_and_again(
    platform: "Platform", eventually: Callable[..., Any]
) -> None:
    name = f"orders-{uuid.uuid4().hex[:8]}"
    folder = Path(__file__).parents[2] / "examples" / "order_queue"
    command = ("deploy", folder, "--name", name, "--queue", name, "--reports-failures", "--data", platform.server.data)
    for _ in range(2):
        done = platform.lambent(*command)
        assert done.returncode == 0, done.stderr
    sqs, lambda_ = platform.client("sqs"), platform.client("lambda")
    url, dead = (sqs.get_queue_url(QueueName=each)["QueueUrl"] for each in (name, f"{name}-dead"))
    assert url in done.stderr
    (mapping,) = lambda_.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    good = json.dumps({"id": "o-1", "items": [{"sku": "tea", "quantity": 2, "price": "3.50"}]})
    sqs.send_message(QueueUrl=url, MessageBody=good)
    booked = {"booked": "o-1", "total": "7.00"}
    eventually(lambda: [json.loads(line) for line in platform.logged(name, "booked")] == [booked])
    eventually(lambda: counts(platform, url) == (0, 0))
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "1"})  # what fails comes again at once
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps("bad"))
    eventually(lambda: counts(platform, dead) == (1, 0) and counts(platform, url) == (0, 0))
    assert received(platform, dead) == ["bad"]
