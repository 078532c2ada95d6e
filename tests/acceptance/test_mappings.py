"""Queues that trigger functions, with boto3 and `aws` against a real server."""

import json
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

RELAY = """
import json, boto3
def handler(event, context):
    boto3.client("sqs").send_message(QueueUrl="{out}", MessageBody=json.dumps(event))
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
