"""Queues, attributes, tags, permissions and policies; the table of what is refused.

Sources: SQS API reference, each operation; the words as the service gives them, from error reports in public
repositories.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import botocore.session
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.clock import FakeClock
from lambent.errors import ServiceError
from lambent.model.principal import Principal
from lambent.services import resource_policy as policy
from lambent.services.operation import RequestContext
from lambent.services.sqs import attributes, errors, handles, message_attributes, redrive
from lambent.services.sqs.public import Delivery

ARN = "arn:aws:sqs:us-east-1:000000000000:q"
OTHER = "111111111111"


def context(account: str, region: str = "us-east-1", endpoint: str = "http://127.0.0.1:4566") -> RequestContext:
    arn = f"arn:aws:iam::{account}:user/bob"
    return RequestContext(Principal(account, arn, "AIDABOB"), account, region, "request", endpoint)


async def test_a_queue_has_the_attributes_that_aws_gives_it(sqs: Any) -> None:
    url = await sqs.queue(VisibilityTimeout="45")
    assert url == "http://127.0.0.1:4566/000000000000/q"
    assert await sqs.attributes(url) == {
        "QueueArn": ARN,
        "ApproximateNumberOfMessages": "0",
        "ApproximateNumberOfMessagesNotVisible": "0",
        "ApproximateNumberOfMessagesDelayed": "0",
        "CreatedTimestamp": "1800000000",
        "LastModifiedTimestamp": "1800000000",
        "VisibilityTimeout": "45",
        "MaximumMessageSize": "1048576",
        "MessageRetentionPeriod": "345600",
        "DelaySeconds": "0",
        "ReceiveMessageWaitTimeSeconds": "0",
        "SqsManagedSseEnabled": "false",
    }
    fifo = await sqs.attributes(await sqs.queue(FifoQueue="true"))
    assert fifo["FifoQueue"] == "true"
    assert fifo["DeduplicationScope"] == "queue"


async def test_creating_a_queue_again_is_the_same_queue_unless_it_differs(sqs: Any) -> None:
    url = await sqs.queue(VisibilityTimeout="45")
    assert await sqs.queue(VisibilityTimeout="45") == url
    assert await sqs.queue() == url
    assert await sqs.refusal("CreateQueue", QueueName="q", Attributes={"VisibilityTimeout": "46"}) == (
        "QueueNameExists",
        "A queue already exists with the same name and a different value for attribute VisibilityTimeout",
    )


async def test_the_same_queue_created_at_once_by_many_is_one(sqs: Any) -> None:
    urls = await asyncio.gather(*(sqs.queue() for _ in range(5)))
    assert len(set(urls)) == 1
    assert len((await sqs("ListQueues"))["QueueUrls"]) == 1


async def test_a_deleted_queue_is_gone_and_its_name_rests_for_a_minute(sqs: Any, clock: FakeClock) -> None:
    url = await sqs.queue()
    await sqs.send(url, "a")
    await sqs("DeleteQueue", QueueUrl=url)
    assert (await sqs.refusal("SendMessage", QueueUrl=url, MessageBody="b"))[0] == "QueueDoesNotExist"
    assert (await sqs.refusal("CreateQueue", QueueName="q"))[0] == "QueueDeletedRecently"
    await clock.advance(60)
    await sqs.queue()
    await sqs.service.sweep()
    assert await sqs.counts(url) == (0, 0, 0)


async def test_accounts_and_regions_share_nothing(sqs: Any) -> None:
    url = await sqs.queue()
    there = context("000000000000", "eu-west-1")
    with pytest.raises(ServiceError, match="does not exist"):
        await sqs("GetQueueUrl", there, QueueName="q")
    assert await sqs("ListQueues", context(OTHER)) == {}
    with pytest.raises(ServiceError) as refused:
        await sqs("SendMessage", context(OTHER), QueueUrl=url, MessageBody="a")
    assert (refused.value.code, refused.value.status) == ("AccessDenied", 403)


async def test_queues_are_listed_by_name_page_by_page(sqs: Any) -> None:
    for name in ("b", "a", "c", "other"):
        await sqs.queue(name)
    first = await sqs("ListQueues", MaxResults=2)
    assert [url.rpartition("/")[2] for url in first["QueueUrls"]] == ["a", "b"]
    second = await sqs("ListQueues", MaxResults=2, NextToken=first["NextToken"])
    assert [url.rpartition("/")[2] for url in second["QueueUrls"]] == ["c", "other"]
    assert "NextToken" not in second
    assert len((await sqs("ListQueues", QueueNamePrefix="o"))["QueueUrls"]) == 1


async def test_attributes_change_together_or_not_at_all(sqs: Any, reopen: Callable[..., Awaitable[Any]]) -> None:
    url = await sqs.queue()
    changes = [{"VisibilityTimeout": "7"}, {"DelaySeconds": "3"}, {"MessageRetentionPeriod": "60"}]
    await asyncio.gather(*(sqs("SetQueueAttributes", QueueUrl=url, Attributes=each) for each in changes))
    bad = {"VisibilityTimeout": "8", "DelaySeconds": "901"}
    assert (await sqs.refusal("SetQueueAttributes", QueueUrl=url, Attributes=bad))[0] == "InvalidAttributeValue"
    found = await (await reopen()).attributes(url)
    assert [found[name] for change in changes for name in change] == ["7", "3", "60"]


@pytest.mark.parametrize(
    ("name", "given", "code"),
    [
        ("q q", {}, "InvalidParameterValue"),
        ("q" * 81, {}, "InvalidParameterValue"),
        ("q.fifo", {}, "InvalidParameterValue"),
        ("q", {"FifoQueue": "true"}, "InvalidParameterValue"),
        ("q", {"FifoQueue": "false"}, "InvalidAttributeName"),
        ("q", {"ContentBasedDeduplication": "true"}, "InvalidAttributeName"),
        ("q.fifo", {"FifoQueue": "true", "FifoThroughputLimit": "perMessageGroupId"}, "InvalidParameterValue"),
        ("q", {"Colour": "red"}, "InvalidAttributeName"),
        ("q", {"QueueArn": "x"}, "InvalidAttributeName"),
        ("q", {"VisibilityTimeout": "43201"}, "InvalidAttributeValue"),
        ("q", {"VisibilityTimeout": "-1"}, "InvalidAttributeValue"),
        ("q", {"VisibilityTimeout": "ten"}, "InvalidAttributeValue"),
        ("q", {"MaximumMessageSize": "1023"}, "InvalidAttributeValue"),
        ("q", {"MessageRetentionPeriod": "59"}, "InvalidAttributeValue"),
        ("q", {"Policy": "{"}, "InvalidAttributeValue"),
        ("q", {"Policy": '{"Statement": [{"Effect": "Allow", "NotPrincipal": "*"}]}'}, "InvalidAttributeValue"),
        ("q", {"KmsMasterKeyId": "alias/aws/sqs"}, "InvalidAttributeValue"),
        ("q", {"SqsManagedSseEnabled": "true"}, "InvalidAttributeValue"),
        ("q", {"RedrivePolicy": "[]"}, "InvalidParameterValue"),
        ("q", {"RedrivePolicy": '{"maxReceiveCount": 1}'}, "InvalidParameterValue"),
        (
            "q",
            {"RedrivePolicy": json.dumps({"deadLetterTargetArn": ARN + "x", "maxReceiveCount": 1})},
            "InvalidParameterValue",
        ),
        (
            "q",
            {"RedrivePolicy": json.dumps({"deadLetterTargetArn": ARN, "maxReceiveCount": 1001})},
            "InvalidParameterValue",
        ),
        ("q", {"RedriveAllowPolicy": '{"redrivePermission": "some"}'}, "InvalidParameterValue"),
        (
            "q",
            {"RedriveAllowPolicy": '{"redrivePermission": "denyAll", "sourceQueueArns": ["x"]}'},
            "InvalidParameterValue",
        ),
    ],
)
async def test_a_queue_that_cannot_be_is_refused_and_not_made(
    sqs: Any, name: str, given: dict[str, str], code: str
) -> None:
    assert (await sqs.refusal("CreateQueue", QueueName=name, Attributes=given))[0] == code
    assert await sqs("ListQueues") == {}


@pytest.mark.parametrize(
    ("fifo", "given", "code"),
    [
        (False, {"MessageBody": ""}, "MissingParameter"),
        (False, {"MessageBody": "\x00"}, "InvalidMessageContents"),
        (False, {"MessageBody": "\ufffe"}, "InvalidMessageContents"),
        (False, {"DelaySeconds": 901}, "InvalidParameterValue"),
        (False, {"DelaySeconds": -1}, "InvalidParameterValue"),
        (False, {"MessageGroupId": "g"}, "InvalidParameterValue"),
        (False, {"MessageDeduplicationId": "d"}, "InvalidParameterValue"),
        (False, {"MessageBody": "x" * 1_048_577}, "InvalidParameterValue"),
        (False, {"MessageAttributes": {"a": {"DataType": "Colour", "StringValue": "x"}}}, "InvalidParameterValue"),
        (False, {"MessageAttributes": {"a": {"DataType": "String"}}}, "InvalidParameterValue"),
        (False, {"MessageAttributes": {"a": {"DataType": "Number", "StringValue": "x"}}}, "InvalidParameterValue"),
        (False, {"MessageAttributes": {"a..b": {"DataType": "String", "StringValue": "x"}}}, "InvalidParameterValue"),
        (False, {"MessageAttributes": {"AWS.b": {"DataType": "String", "StringValue": "x"}}}, "InvalidParameterValue"),
        (
            False,
            {"MessageAttributes": {f"a{n}": {"DataType": "String", "StringValue": "x"} for n in range(11)}},
            "InvalidParameterValue",
        ),
        (
            False,
            {"MessageSystemAttributes": {"AWSTraceHeader": {"DataType": "Binary", "BinaryValue": b"x"}}},
            "InvalidParameterValue",
        ),
        (True, {"MessageDeduplicationId": "d"}, "MissingParameter"),
        (True, {"MessageGroupId": "g"}, "InvalidParameterValue"),
        (True, {"MessageGroupId": "g g", "MessageDeduplicationId": "d"}, "InvalidParameterValue"),
        (True, {"MessageGroupId": "g", "MessageDeduplicationId": "d", "DelaySeconds": 1}, "InvalidParameterValue"),
    ],
)
async def test_a_message_that_cannot_be_is_refused_and_not_kept(
    sqs: Any, fifo: bool, given: dict[str, Any], code: str
) -> None:
    url = await sqs.queue(**({"FifoQueue": "true"} if fifo else {}))
    assert (await sqs.refusal("SendMessage", QueueUrl=url, **({"MessageBody": "a"} | given)))[0] == code
    assert await sqs.counts(url) == (0, 0, 0)


async def test_a_batch_tells_of_each_entry(sqs: Any) -> None:
    url = await sqs.queue()
    entries = [{"Id": "a", "MessageBody": "1"}, {"Id": "b", "MessageBody": "2", "DelaySeconds": 1000}]
    answer = await sqs("SendMessageBatch", QueueUrl=url, Entries=entries)
    assert [each["Id"] for each in answer["Successful"]] == ["a"]
    (failed,) = answer["Failed"]
    assert (failed["Id"], failed["SenderFault"], failed["Code"]) == ("b", True, "InvalidParameterValue")
    (message,) = await sqs.take(url)
    handles_ = [{"Id": "x", "ReceiptHandle": message["ReceiptHandle"]}, {"Id": "y", "ReceiptHandle": "bad"}]
    changes = [each | {"VisibilityTimeout": 5} for each in handles_]
    changed = await sqs("ChangeMessageVisibilityBatch", QueueUrl=url, Entries=changes)
    deleted = await sqs("DeleteMessageBatch", QueueUrl=url, Entries=handles_)
    for answer in (changed, deleted):
        assert answer["Successful"] == [{"Id": "x"}]
        assert [(each["Id"], each["Code"]) for each in answer["Failed"]] == [("y", "ReceiptHandleIsInvalid")]
    assert await sqs.counts(url) == (0, 0, 0)


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ([], "EmptyBatchRequest"),
        ([{"Id": str(n), "MessageBody": "x"} for n in range(11)], "TooManyEntriesInBatchRequest"),
        ([{"Id": "a", "MessageBody": "x"}] * 2, "BatchEntryIdsNotDistinct"),
        ([{"Id": "a b", "MessageBody": "x"}], "InvalidBatchEntryId"),
        ([{"Id": str(n), "MessageBody": "x" * 600_000} for n in range(2)], "BatchRequestTooLong"),
    ],
)
async def test_a_batch_of_a_wrong_form_is_refused_whole(sqs: Any, entries: Any, code: str) -> None:
    url = await sqs.queue()
    assert (await sqs.refusal("SendMessageBatch", QueueUrl=url, Entries=entries))[0] == code
    assert await sqs.counts(url) == (0, 0, 0)


async def test_tags_are_kept_and_taken_away(sqs: Any, reopen: Callable[..., Awaitable[Any]]) -> None:
    url = (await sqs("CreateQueue", QueueName="q", tags={"a": "1"}))["QueueUrl"]
    await sqs("TagQueue", QueueUrl=url, Tags={"b": "2", "a": "3"})
    await sqs("UntagQueue", QueueUrl=url, TagKeys=["b", "none"])
    assert await (await reopen())("ListQueueTags", QueueUrl=url) == {"Tags": {"a": "3"}}
    many = {str(number): "x" for number in range(51)}
    assert (await sqs.refusal("TagQueue", QueueUrl=url, Tags=many))[0] == "InvalidParameterValue"


async def test_a_permission_lets_another_account_in_until_it_is_removed(sqs: Any) -> None:
    url, other = await sqs.queue(), context(OTHER)
    await sqs("AddPermission", QueueUrl=url, Label="send", AWSAccountIds=[OTHER], Actions=["SendMessage"])
    await sqs("SendMessage", other, QueueUrl=url, MessageBody="from outside")
    with pytest.raises(ServiceError, match="does not allow sqs:ReceiveMessage"):
        await sqs("ReceiveMessage", other, QueueUrl=url)
    (statement,) = json.loads((await sqs.attributes(url))["Policy"])["Statement"]
    assert statement["Principal"] == {"AWS": f"arn:aws:iam::{OTHER}:root"}
    again = {"QueueUrl": url, "Label": "send", "AWSAccountIds": [OTHER], "Actions": ["SendMessage"]}
    assert (await sqs.refusal("AddPermission", **again))[0] == "InvalidParameterValue"
    await sqs("RemovePermission", QueueUrl=url, Label="send")
    assert "Policy" not in await sqs.attributes(url)
    with pytest.raises(ServiceError):
        await sqs("SendMessage", other, QueueUrl=url, MessageBody="b")


async def test_a_policy_can_deny_its_own_account(sqs: Any) -> None:
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sqs:*",
        "Resource": ARN,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    url = await sqs.queue(Policy=json.dumps({"Version": "2012-10-17", "Statement": statement}))
    assert (await sqs.refusal("SendMessage", QueueUrl=url, MessageBody="a"))[0] == "AccessDenied"
    safe = context("000000000000", endpoint="https://queues.example")
    await sqs("SendMessage", safe, QueueUrl=url, MessageBody="a")


async def test_a_service_may_send_where_the_policy_names_its_resource(sqs: Any) -> None:
    topic = "arn:aws:sns:us-east-1:000000000000:topic"
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": ARN,
        "Condition": {"ArnLike": {"aws:SourceArn": topic[:-1] + "*"}},
    }
    url = await sqs.queue(Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    queues = sqs.service.queues
    assert queues.allows(ARN, "sns.amazonaws.com", topic, "000000000000")
    assert not queues.allows(ARN, "sns.amazonaws.com", "arn:aws:sns:us-east-1:000000000000:x", "000000000000")
    assert not queues.allows(ARN, "events.amazonaws.com", topic, "000000000000")
    name = await queues.send(ARN, Delivery("hello", attributes={"a": ("String", "b")}))
    (message,) = await sqs.take(url)
    assert (message["MessageId"], message["Body"]) == (name, "hello")


async def test_other_services_take_more_than_ten_at_once(sqs: Any) -> None:
    url = await sqs.queue()
    for number in range(25):
        await sqs.send(url, str(number))
    queues = sqs.service.queues
    assert queues.exists(ARN)
    assert not queues.exists(ARN + "x")
    taken = await queues.receive(ARN, 10_000)
    assert len(taken) == 25
    assert queues.counts(ARN).in_flight == 25
    assert await queues.change_visibility(ARN, [taken[0].handle], 0) == [None]
    assert await queues.delete(ARN, [each.handle for each in taken]) == [None] * 25
    assert await sqs.counts(url) == (0, 0, 0)


async def test_a_dead_letter_queue_chooses_who_may_use_it(sqs: Any) -> None:
    allow = {"redrivePermission": "byQueue", "sourceQueueArns": [ARN]}
    await sqs.queue("dead", RedriveAllowPolicy=json.dumps(allow))
    policy_ = json.dumps({"deadLetterTargetArn": ARN[:-1] + "dead", "maxReceiveCount": 3})
    await sqs.queue(RedrivePolicy=policy_)
    refused = await sqs.refusal("CreateQueue", QueueName="r", Attributes={"RedrivePolicy": policy_})
    assert refused[0] == "InvalidParameterValue"


def test_the_md5_of_attributes_is_the_documented_one() -> None:
    # Computed by hand from the Developer Guide's steps for {"a": String "b"}.
    import hashlib
    import struct

    parts = b"".join(struct.pack(">I", len(part)) + part for part in (b"a", b"String"))
    expected = hashlib.md5(parts + b"\x01" + struct.pack(">I", 1) + b"b").hexdigest()
    assert message_attributes.md5_of({"a": ("String", "b")}) == expected


@settings(max_examples=50)
@given(st.text(max_size=40) | st.binary(max_size=40).map(lambda raw: raw.hex()))
def test_no_text_but_a_handle_is_read_as_one(text: str) -> None:
    with pytest.raises(ServiceError, match="not a valid receipt handle"):
        handles.read_handle(b"k" * 16, text)


@settings(max_examples=50)
@given(st.integers(0, 2**63), st.integers(1, 2**31))
def test_a_handle_is_read_back_by_its_own_queue_only(message: int, receives: int) -> None:
    handle = handles.make_handle(b"k" * 16, message, receives)
    assert handles.read_handle(b"k" * 16, handle) == (message, receives)
    with pytest.raises(ServiceError):
        handles.read_handle(b"x" * 16, handle)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["Statement", "Effect", "Principal", "Action", "Version", "AWS", "redrivePermission", "sourceQueueArns"]
            )
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=50)
@given(JSON.map(json.dumps) | st.text(max_size=30))
def test_any_text_as_a_policy_is_taken_or_refused_and_breaks_nothing(text: str) -> None:
    question = policy.Question("AWS", "arn:aws:iam::1:user/a", "1", "sqs:SendMessage", ARN)
    if policy.is_valid(text, "sqs"):
        assert policy.decision(policy.parsed(text), question) in ("", "Allow", "Deny")
    assert refusal_of(lambda: redrive.redrive_of(text)) in (None, "InvalidParameterValue")
    assert refusal_of(lambda: redrive.redrive_allow_of(text)) in (None, "InvalidParameterValue")
    both = {"Policy": text, "VisibilityTimeout": text}
    assert refusal_of(lambda: attributes.checked(both)) in (None, "InvalidAttributeValue")


def refusal_of(read: Callable[[], object]) -> str | None:
    try:
        read()
    except ServiceError as refused:
        return refused.code
    return None


COMMON = {"InvalidParameterValue", "MissingParameter", "AccessDenied"}  # SQS API reference, "Common errors"


def test_every_error_has_a_name_of_the_model_or_of_the_common_errors() -> None:
    modelled = {shape.name for shape in botocore.session.get_session().get_service_model("sqs").error_shapes}
    codes = {each.code for each in vars(errors).values() if isinstance(each, type) and issubclass(each, ServiceError)}
    assert codes - {ServiceError.code} <= modelled | COMMON


async def test_a_message_has_the_trace_header_of_its_request_unless_it_is_given_its_own(sqs: Any) -> None:
    """Source: SQS Developer Guide, "Sending the trace header through Amazon SQS"."""
    url, ctx = await sqs.queue(), msgspec.structs.replace(context("000000000000"), trace_header="Root=1-of-the-request")
    own = {"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-own"}}
    by_request = await sqs("SendMessage", ctx, QueueUrl=url, MessageBody="request")
    by_name = await sqs("SendMessage", ctx, QueueUrl=url, MessageBody="own", MessageSystemAttributes=own)
    assert "MD5OfMessageSystemAttributes" not in by_request
    assert "MD5OfMessageSystemAttributes" in by_name
    headers = {each["Body"]: each["Attributes"]["AWSTraceHeader"] for each in await sqs.take(url)}
    assert headers == {"request": "Root=1-of-the-request", "own": "Root=1-own"}
