"""Asynchronous invocation on a real server: retries, destinations, reserved concurrency 0, loops.

Source: Lambda Developer Guide, "Asynchronous invocation" and "Recursive loop detection"; behaviours section 16.
"""

import json
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
