"""Asynchronous invocation on a real server: retries, destinations, reserved concurrency 0, loops.

Source: Lambda Developer Guide, "Asynchronous invocation" and "Recursive loop detection"; behaviours section 16.
"""

import json
import re
import uuid
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

TELLS = """
import json
import warnings
def handler(event, context):
    print("TOLD", json.dumps(event))
"""
FAILS = """
def handler(event, context):
    if event.get("fail"):
        raise ValueError("as asked")
    return {"echo": event}
"""
TRACES = """
import os
def handler(event, context):
    return os.environ["_X_AMZN_TRACE_ID"]
"""

WRITES = """
import boto3, os
def handler(event, context):
    print("PASS", os.environ["_X_AMZN_TRACE_ID"])
    bucket = event["Records"][0]["s3"]["bucket"]["name"]
    boto3.client("s3").put_object(Bucket=bucket, Key=context.aws_request_id, Body=b"")
"""
FUNCTIONS = "arn:aws:lambda:us-east-1:000000000000:function:"


@pytest.fixture
def quick(own_server: Callable[..., "Platform"]) -> "Platform":
    """A server that retries at once."""
    return own_server("--async-retry-delays-s", "0.1,0.1")


def told(platform: "Platform", name: str) -> list[Any]:
    """What the function `name` was sent."""
    return [json.loads(line.removeprefix("TOLD ")) for line in platform.logged(name, "TOLD")]


def test_events_are_retried_and_their_ends_go_to_destinations(quick: "Platform", eventually: Any) -> None:
    lambda_ = quick.client("lambda")
    listener, name = quick.create(TELLS), quick.create(FAILS)
    arn = "arn:aws:lambda:us-east-1:000000000000:function:"
    where = {"Destination": arn + listener}
    lambda_.put_function_event_invoke_config(
        FunctionName=name, MaximumRetryAttempts=1, DestinationConfig={"OnSuccess": where, "OnFailure": where}
    )
    ids = {}
    for event in ({"n": 1}, {"n": 2, "fail": True}):
        answer = lambda_.invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(event))
        ids[event["n"]] = answer["ResponseMetadata"]["RequestId"]
    records = eventually(lambda: len(told(quick, listener)) >= 2 and told(quick, listener))
    good, bad = sorted(records, key=lambda each: str(each["requestPayload"]["n"]))
    assert good["requestContext"] == {
        "requestId": ids[1],
        "functionArn": f"{arn}{name}:$LATEST",
        "condition": "Success",
        "approximateInvokeCount": 1,
    }
    assert (good["requestPayload"], good["responsePayload"]) == ({"n": 1}, {"echo": {"n": 1}})
    assert good["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST"}
    assert (bad["requestContext"]["condition"], bad["requestContext"]["approximateInvokeCount"]) == (
        "RetriesExhausted",
        2,
    )
    assert bad["responseContext"]["functionError"] == "Unhandled"
    assert bad["responsePayload"]["errorType"] == "ValueError"
    pages = lambda_.get_paginator("list_function_event_invoke_configs").paginate(FunctionName=name)
    assert [each["MaximumRetryAttempts"] for page in pages for each in page["FunctionEventInvokeConfigs"]] == [1]


def test_the_older_operation_for_events_runs_them_too(platform: "Platform", eventually: Any) -> None:
    """Source: Lambda service model, InvokeAsync (deprecated; Status 202)."""
    lambda_ = platform.client("lambda")
    name = platform.create("def handler(event, context): print('older', event)")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert lambda_.invoke_async(FunctionName=name, InvokeArgs=b'{"a": 1}')["Status"] == 202
    assert eventually(lambda: any("older {'a': 1}" in line for line in platform.logged(name)))


def test_a_reserved_concurrency_of_zero_sends_events_to_the_destination_at_once(
    platform: "Platform", eventually: Any
) -> None:
    lambda_ = platform.client("lambda")
    listener, name = platform.create(TELLS), platform.create(FAILS)
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{listener}"
    lambda_.put_function_event_invoke_config(FunctionName=name, DestinationConfig={"OnFailure": {"Destination": arn}})
    lambda_.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    lambda_.invoke(FunctionName=name, InvocationType="Event", Payload=b'{"n": 1}')
    [record] = eventually(lambda: told(platform, listener))
    assert record["requestContext"]["condition"] == "ZeroReservedConcurrency"
    assert record["requestContext"]["approximateInvokeCount"] == 0
    assert "responsePayload" not in record


def test_a_loop_is_stopped_after_sixteen_passes_unless_it_is_allowed(platform: "Platform") -> None:
    lambda_, name, header = platform.client("lambda"), platform.create(TRACES), ""

    def hand_on(request: Any, **_: Any) -> None:
        request.headers["X-Amzn-Trace-Id"] = header

    lambda_.meta.events.register("before-sign.lambda.Invoke", hand_on)
    for _ in range(16):
        header = json.load(lambda_.invoke(FunctionName=name)["Payload"])
        assert "Lineage=1:" in header
    with pytest.raises(lambda_.exceptions.RecursiveInvocationException):
        lambda_.invoke(FunctionName=name)
    lambda_.put_function_recursion_config(FunctionName=name, RecursiveLoop="Allow")
    assert lambda_.invoke(FunctionName=name)["StatusCode"] == 200


def test_a_loop_through_a_bucket_is_stopped(platform: "Platform", eventually: Any) -> None:
    """Source: Lambda Developer Guide, "Recursive loop detection": between Lambda, SQS, SNS and, since 2024, S3."""
    lambda_, s3, sqs = platform.client("lambda"), platform.client("s3"), platform.client("sqs")
    name, bucket = platform.create(WRITES, MemorySize=1024), f"loop-{uuid.uuid4().hex[:8]}"
    url = sqs.create_queue(QueueName=bucket)["QueueUrl"]
    letters = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    rights = [
        {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/*"},
        {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": letters},
    ]
    platform.client("iam").put_role_policy(
        RoleName="acceptance", PolicyName="loops", PolicyDocument=json.dumps({"Statement": rights})
    )
    lambda_.update_function_configuration(FunctionName=name, DeadLetterConfig={"TargetArn": letters})
    lambda_.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    s3.create_bucket(Bucket=bucket)
    lambda_.add_permission(
        FunctionName=name, StatementId="s3", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com"
    )
    told = {"LambdaFunctionArn": FUNCTIONS + name, "Events": ["s3:ObjectCreated:*"]}
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"LambdaFunctionConfigurations": [told]}
    )
    s3.put_object(Bucket=bucket, Key="0", Body=b"")
    [letter] = eventually(
        lambda: sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20, MessageAttributeNames=["All"]).get("Messages")
    )
    assert letter["MessageAttributes"]["ErrorCode"]["StringValue"] == "400"
    passes = eventually(lambda: len(found := platform.logged(name, "PASS")) >= 16 and found)
    assert len(passes) == 16
    header = r"Root=(1-\w{8}-\w{24});Parent=\w{16};Sampled=0;"
    assert len({root for each in passes for root in re.findall(header, each)}) == 1


def test_an_event_that_failed_lies_in_the_dead_letter_queue_and_the_record_in_the_destination(
    quick: "Platform",
) -> None:
    lambda_, sqs = quick.client("lambda"), quick.client("sqs")
    queues = {}
    for name in ("letters", "records"):
        url = sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        queues[name] = url, arn
    name = quick.create(FAILS, DeadLetterConfig={"TargetArn": queues["letters"][1]})
    lambda_.put_function_event_invoke_config(
        FunctionName=name,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": queues["records"][1]}},
    )
    event = {"n": 1, "fail": True}
    answer = lambda_.invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(event))

    def receive(queue: str) -> Any:
        [message] = sqs.receive_message(QueueUrl=queues[queue][0], WaitTimeSeconds=20, MessageAttributeNames=["All"])[
            "Messages"
        ]
        return message

    letter = receive("letters")
    assert json.loads(letter["Body"]) == event
    assert {key: (value["DataType"], value["StringValue"]) for key, value in letter["MessageAttributes"].items()} == {
        "RequestID": ("String", answer["ResponseMetadata"]["RequestId"]),
        "ErrorCode": ("Number", "200"),
        "ErrorMessage": ("String", "as asked"),
    }
    record = json.loads(receive("records")["Body"])
    assert (record["requestContext"]["condition"], record["requestPayload"]) == ("RetriesExhausted", event)
