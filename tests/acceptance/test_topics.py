"""SNS with boto3 and `aws`: a message goes in, and queues, functions and HTTP endpoints get it."""

import base64
import json
import os
import signal
import sqlite3
import threading
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

LOGGER = "import json\ndef handler(event, context):\n    print('SAW ' + json.dumps(event))\n"
LOOP = """
import boto3, json
{service} = boto3.client("{service}")
def handler(event, context):
    print("SAW " + json.dumps(event))
    {send}
"""
Wait = Callable[[Callable[[], Any]], Any]


class Listener:
    """A subscriber: an HTTP server that keeps what it is sent, and answers with `statuses` in turn, then 200."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                outer.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(outer.statuses.pop(0) if outer.statuses else 200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/in?a=b"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def envelopes(self, kind: str) -> list[Any]:
        return [json.loads(body) for headers, body in self.got if headers["x-amz-sns-message-type"] == kind]

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.close()


@pytest.fixture
def topic(platform: Any) -> Iterator[Callable[..., str]]:
    """Make topics; they are gone after the test."""
    sns, made = platform.client("sns"), list[str]()

    def make(**attributes: str) -> str:
        name = f"topic-{uuid.uuid4().hex[:8]}" + (".fifo" if attributes.get("FifoTopic") else "")
        made.append(str(sns.create_topic(Name=name, Attributes=attributes)["TopicArn"]))
        return made[-1]

    yield make
    for arn in made:
        sns.delete_topic(TopicArn=arn)


@pytest.fixture
def queue(platform: Any) -> Iterator[Callable[..., tuple[str, str]]]:
    """Make queues, URL and ARN, that every topic of the account may send to."""
    sqs, made = platform.client("sqs"), list[str]()

    def make(service: str = "sns", **attributes: str) -> tuple[str, str]:
        name = f"q-{uuid.uuid4().hex[:8]}" + (".fifo" if attributes.get("FifoQueue") else "")
        arn = f"arn:aws:sqs:us-east-1:000000000000:{name}"
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": f"{service}.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        made.append(sqs.create_queue(QueueName=name, Attributes={"Policy": policy, **attributes})["QueueUrl"])
        return made[-1], arn

    yield make
    for url in made:
        sqs.delete_queue(QueueUrl=url)


def seen(platform: Any, name: str) -> list[Any]:
    """The events that the function has logged."""
    return [json.loads(line[4:]) for line in platform.logged(name, "SAW")]


def received(platform: Any, url: str, count: int = 1) -> list[Any]:
    """That many messages of a queue, deleted."""
    sqs, found = platform.client("sqs"), list[Any]()
    while len(found) < count:
        answer = sqs.receive_message(
            QueueUrl=url,
            WaitTimeSeconds=20,
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
            AttributeNames=["All"],
        )
        assert answer.get("Messages"), f"{len(found)} of {count} messages came"
        found += answer["Messages"]
        handles = [each["ReceiptHandle"] for each in answer["Messages"]]
        entries = [{"Id": str(number), "ReceiptHandle": handle} for number, handle in enumerate(handles)]
        sqs.delete_message_batch(QueueUrl=url, Entries=entries)
    return found


def check_signature(envelope: Any) -> None:
    """As SNS Developer Guide, "Verifying the signatures of Amazon SNS messages", tells subscribers to."""
    with urllib.request.urlopen(envelope["SigningCertURL"]) as answer:
        certificate = x509.load_pem_x509_certificate(answer.read())
    names = ["Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    if envelope["Type"] == "Notification":
        names = [name for name in names if name not in ("SubscribeURL", "Token")]
    text = "".join(f"{name}\n{envelope[name]}\n" for name in names if name in envelope)
    algorithm = {"1": hashes.SHA1(), "2": hashes.SHA256()}[envelope["SignatureVersion"]]
    key = certificate.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    key.verify(base64.b64decode(envelope["Signature"]), text.encode(), padding.PKCS1v15(), algorithm)


def test_a_message_fans_out_to_queues_a_function_and_an_endpoint(
    platform: Any,
    topic: Callable[..., str],
    queue: Callable[..., tuple[str, str]],
    listener: Listener,
    eventually: Wait,
) -> None:
    """Sources: SNS Developer Guide, "Parsing Amazon SNS message formats"; Lambda Developer Guide, "Invoking Lambda
    functions with Amazon SNS notifications"."""
    sns, arn = platform.client("sns"), topic(SignatureVersion="2")
    (wrapped_url, wrapped), (raw_url, raw) = queue(), queue()
    name = platform.create(LOGGER)
    platform.client("lambda").add_permission(
        FunctionName=name,
        StatementId="topic",
        Action="lambda:InvokeFunction",
        Principal="sns.amazonaws.com",
        SourceArn=arn,
    )
    function = f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=wrapped)
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=raw, Attributes={"RawMessageDelivery": "true"})
    to_function = sns.subscribe(TopicArn=arn, Protocol="lambda", Endpoint=function)["SubscriptionArn"]
    assert sns.subscribe(TopicArn=arn, Protocol="http", Endpoint=listener.url)["SubscriptionArn"] == (
        "pending confirmation"
    )
    (asked,) = eventually(lambda: listener.envelopes("SubscriptionConfirmation"))
    check_signature(asked)
    with urllib.request.urlopen(asked["SubscribeURL"]) as answer:
        assert b"<SubscriptionArn>" + arn.encode() in answer.read()
    sent = platform.aws(
        "sns", "publish", "--topic-arn", arn, "--message", "hello", "--subject", "Greeting",
        "--message-attributes", '{"n": {"DataType": "Number", "StringValue": "1.5"}, '
        '"b": {"DataType": "Binary", "BinaryValue": "hi"}}',
    )  # fmt: skip
    attributes = {"n": {"Type": "Number", "Value": "1.5"}, "b": {"Type": "Binary", "Value": "aGk="}}
    (posted,) = eventually(lambda: listener.envelopes("Notification"))
    check_signature(posted)
    headers = listener.got[-1][0]
    assert headers["content-type"] == "text/plain; charset=UTF-8"
    assert headers["x-amz-sns-topic-arn"] == arn
    assert headers["x-amz-sns-message-id"] == sent["MessageId"]
    (message,) = received(platform, wrapped_url)
    queued = json.loads(message["Body"])
    check_signature(queued)
    assert "MessageAttributes" not in message
    for envelope in (posted, queued):
        own = {envelope.pop("UnsubscribeURL"), envelope.pop("Signature"), envelope.pop("Timestamp")}
        assert len(own) == 3
        assert envelope.pop("SigningCertURL").startswith(f"{platform.endpoint}/SimpleNotificationService-")
        assert envelope == {
            "Type": "Notification",
            "MessageId": sent["MessageId"],
            "TopicArn": arn,
            "Subject": "Greeting",
            "Message": "hello",
            "SignatureVersion": "2",
            "MessageAttributes": attributes,
        }
    (message,) = received(platform, raw_url)
    assert message["Body"] == "hello"
    assert message["MessageAttributes"]["n"] == {"DataType": "Number", "StringValue": "1.5"}
    assert message["MessageAttributes"]["b"] == {"DataType": "Binary", "BinaryValue": b"hi"}
    (event,) = eventually(lambda: seen(platform, name))
    (record,) = event["Records"]
    notification = record.pop("Sns")
    assert record == {"EventVersion": "1.0", "EventSource": "aws:sns", "EventSubscriptionArn": to_function}
    assert notification["MessageAttributes"] == attributes
    assert (notification["Message"], notification["Subject"], notification["Type"]) == (
        *("hello", "Greeting"),
        "Notification",
    )
    assert notification["SigningCertUrl"].startswith(platform.endpoint)
    with urllib.request.urlopen(posted_link(listener)):
        pass
    (ended,) = eventually(lambda: listener.envelopes("UnsubscribeConfirmation"))
    check_signature(ended)


def posted_link(listener: Listener) -> str:
    return str(listener.envelopes("Notification")[0]["UnsubscribeURL"])


def test_filters_on_attributes_and_bodies_decide_who_gets_what(
    platform: Any, topic: Callable[..., str], queue: Callable[..., tuple[str, str]]
) -> None:
    """Source: SNS Developer Guide, "Amazon SNS subscription filter policies"."""
    sns, arn = platform.client("sns"), topic()
    (by_attribute_url, by_attribute), (by_body_url, by_body) = queue(), queue()
    raw = {"RawMessageDelivery": "true"}
    subscription = sns.subscribe(
        TopicArn=arn,
        Protocol="sqs",
        Endpoint=by_attribute,
        Attributes={"FilterPolicy": '{"total": [{"numeric": [">", 100]}]}', **raw},
    )["SubscriptionArn"]
    body = {"FilterPolicy": '{"order": {"kind": [{"prefix": "b"}]}}', "FilterPolicyScope": "MessageBody", **raw}
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=by_body, Attributes=body)
    for number, kind in ((99, "apple"), (101, "banana")):
        attribute = {"total": {"DataType": "Number", "StringValue": str(number)}}
        text = json.dumps({"order": {"kind": kind}})
        sns.publish(TopicArn=arn, Message=text, MessageAttributes=attribute)
    for url in (by_attribute_url, by_body_url):
        assert [json.loads(each["Body"])["order"]["kind"] for each in received(platform, url)] == ["banana"]
    shown = sns.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]
    assert shown["FilterPolicyScope"] == "MessageAttributes"
    sns.set_subscription_attributes(SubscriptionArn=subscription, AttributeName="FilterPolicy", AttributeValue="{}")
    sns.publish(TopicArn=arn, Message="all")
    assert [each["Body"] for each in received(platform, by_attribute_url)] == ["all"]
    with pytest.raises(ClientError, match=r"InvalidParameter.*FilterPolicy"):
        sns.set_subscription_attributes(SubscriptionArn=subscription, AttributeName="FilterPolicy", AttributeValue="[")


def test_a_fifo_topic_keeps_order_and_drops_what_it_had(
    platform: Any, topic: Callable[..., str], queue: Callable[..., tuple[str, str]]
) -> None:
    """Source: SNS Developer Guide, "Message ordering details for FIFO topics", "Message deduplication"."""
    sns, arn = platform.client("sns"), topic(FifoTopic="true", ContentBasedDeduplication="true")
    (fifo_url, fifo), (plain_url, plain) = queue(FifoQueue="true"), queue()
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=fifo, Attributes={"RawMessageDelivery": "true"})
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=plain)
    answers = []
    for start in range(0, 30, 10):
        entries = [{"Id": str(n), "Message": f"m{n}", "MessageGroupId": f"g{n % 2}"} for n in range(start, start + 10)]
        answers += sns.publish_batch(TopicArn=arn, PublishBatchRequestEntries=entries)["Successful"]
    again = sns.publish(TopicArn=arn, Message="m3", MessageGroupId="g1")
    assert again["MessageId"] == answers[3]["MessageId"]
    numbers = [int(each["SequenceNumber"]) for each in answers]
    assert numbers == sorted(set(numbers))
    got = received(platform, fifo_url, 30)
    for group in (0, 1):
        wanted = [f"m{n}" for n in range(30) if n % 2 == group]
        assert [each["Body"] for each in got if each["Attributes"]["MessageGroupId"] == f"g{group}"] == wanted
    envelopes = [json.loads(each["Body"]) for each in received(platform, plain_url, 30)]
    assert {each["SequenceNumber"] for each in envelopes} == set(map(str, numbers))
    assert not any("Signature" in each for each in envelopes)
    with pytest.raises(ClientError, match="MessageGroupId parameter is required for FIFO topics"):
        sns.publish(TopicArn=arn, Message="m")


def test_what_cannot_be_delivered_goes_to_the_dead_letter_queue_of_the_subscription(
    platform: Any,
    topic: Callable[..., str],
    queue: Callable[..., tuple[str, str]],
    listener: Listener,
    eventually: Wait,
) -> None:
    """Source: SNS Developer Guide, "Amazon SNS dead-letter queues", "Message delivery retries": 5XX is tried again."""
    sns, arn = platform.client("sns"), topic()
    dead_url, dead = queue()
    quick = {"healthyRetryPolicy": {"numRetries": 2, "numNoDelayRetries": 2}}
    redrive = json.dumps({"deadLetterTargetArn": dead})
    attributes = {"RawMessageDelivery": "true", "RedrivePolicy": redrive, "DeliveryPolicy": json.dumps(quick)}
    sns.subscribe(TopicArn=arn, Protocol="http", Endpoint=listener.url, Attributes=attributes)
    (asked,) = eventually(lambda: listener.envelopes("SubscriptionConfirmation"))
    sns.confirm_subscription(TopicArn=arn, Token=asked["Token"])
    listener.statuses = [500, 503, 429, 200]
    sns.publish(TopicArn=arn, Message="given up")
    assert [each["Body"] for each in received(platform, dead_url)] == ["given up"]
    assert len(listener.got) == 4
    assert listener.got[-1][0]["x-amz-sns-rawdelivery"] == "true"
    listener.statuses = [404]
    sns.publish(TopicArn=arn, Message="refused")
    assert [each["Body"] for each in received(platform, dead_url)] == ["refused"]
    assert len(listener.got) == 5
    unreachable = platform.create(LOGGER)  # nobody may invoke it
    function = f"arn:aws:lambda:us-east-1:000000000000:function:{unreachable}"
    sns.subscribe(TopicArn=arn, Protocol="lambda", Endpoint=function, Attributes={"RedrivePolicy": redrive})
    sns.publish(TopicArn=arn, Message="forbidden")
    (letter,) = received(platform, dead_url)
    assert json.loads(letter["Body"])["Records"][0]["Sns"]["Message"] == "forbidden"


def test_topics_are_made_listed_tagged_shared_and_deleted(platform: Any, topic: Callable[..., str]) -> None:
    sns, arn = platform.client("sns"), topic(DisplayName="shown")
    name = arn.rpartition(":")[2]
    assert sns.create_topic(Name=name)["TopicArn"] == arn
    with pytest.raises(ClientError, match="already exists with different attributes"):
        sns.create_topic(Name=name, Attributes={"DisplayName": "other"})
    pages = sns.get_paginator("list_topics").paginate()
    assert {"TopicArn": arn} in [each for page in pages for each in page["Topics"]]
    sns.tag_resource(ResourceArn=arn, Tags=[{"Key": "team", "Value": "a"}])
    assert sns.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "a"}]
    sns.add_permission(TopicArn=arn, Label="other", AWSAccountId=["111122223333"], ActionName=["Publish"])
    shown = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    assert [each["Sid"] for each in json.loads(shown["Policy"])["Statement"]][1:] == ["other"]
    assert (shown["Owner"], shown["DisplayName"], shown["SubscriptionsConfirmed"]) == ("000000000000", "shown", "0")
    sns.remove_permission(TopicArn=arn, Label="other")
    platform.aws("sns", "delete-topic", "--topic-arn", arn)
    calls: list[Callable[[], Any]] = [
        lambda: sns.get_topic_attributes(TopicArn=arn),
        lambda: sns.publish(TopicArn=arn, Message="m"),
    ]
    for call in calls:
        with pytest.raises(ClientError) as refused:
            call()
        assert refused.value.response["Error"]["Code"] == "NotFound"
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_what_only_aws_can_do_is_refused_by_name(platform: Any, topic: Callable[..., str]) -> None:
    sns, arn = platform.client("sns"), topic()
    calls: list[Callable[[], Any]] = [
        lambda: sns.subscribe(TopicArn=arn, Protocol="email", Endpoint="a@example.com"),
        lambda: sns.publish(PhoneNumber="+15550100", Message="m"),
        lambda: sns.create_platform_application(Name="a", Platform="GCM", Attributes={}),
        lambda: sns.set_sms_attributes(attributes={}),
        lambda: sns.create_topic(Name="encrypted", Attributes={"KmsMasterKeyId": "alias/aws/sns"}),
    ]
    for call in calls:
        with pytest.raises(ClientError, match="NotImplemented"):
            call()
    assert not sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]


def test_a_link_without_a_signature_can_do_nothing_but_confirm_and_end(
    platform: Any, topic: Callable[..., str]
) -> None:
    arn = topic()
    for query in (
        f"Action=DeleteTopic&TopicArn={arn}",
        f"Action=ConfirmSubscription&TopicArn={arn}&Token={'0' * 256}",
        f"Action=ConfirmSubscription&Action=DeleteTopic&TopicArn={arn}&Token=a",
        f"Action=Unsubscribe&SubscriptionArn={arn}",
    ):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{platform.endpoint}/?{query}")
        assert refused.value.code in (400, 403)
        refused.value.close()
    assert platform.client("sns").get_topic_attributes(TopicArn=arn)


def test_rules_and_functions_send_to_a_topic(
    platform: Any, topic: Callable[..., str], queue: Callable[..., tuple[str, str]]
) -> None:
    """A rule by the topic's policy; a function's destination and dead-letter topic by its role.

    Source: Lambda Developer Guide, "Retaining records of asynchronous invocations" and "Dead-letter queues"."""
    sns, events, lambda_ = (platform.client(service) for service in ("sns", "events", "lambda"))
    arn, (url, to) = topic(), queue()
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=to, Attributes={"RawMessageDelivery": "true"})
    rule = f"rule-{uuid.uuid4().hex[:8]}"
    events.put_rule(Name=rule, EventPattern=json.dumps({"source": [rule]}))
    dead_url, dead = queue("events")
    target = {"Id": "1", "Arn": arn, "InputPath": "$.detail", "DeadLetterConfig": {"Arn": dead}}
    events.put_targets(Rule=rule, Targets=[target])
    entry = {"Source": rule, "DetailType": "t", "Detail": '{"n": 1}'}
    events.put_events(Entries=[entry])
    (letter,) = received(platform, dead_url)
    assert letter["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": f"arn:aws:events:us-east-1:000000000000:rule/{rule}"}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=policy)
    events.put_events(Entries=[entry])
    assert [json.loads(each["Body"]) for each in received(platform, url)] == [{"n": 1}]
    events.remove_targets(Rule=rule, Ids=["1"])
    events.delete_rule(Name=rule)
    name = platform.create(
        "def handler(event, context):\n    raise ValueError('no')\n", DeadLetterConfig={"TargetArn": arn}
    )
    lambda_.put_function_event_invoke_config(
        FunctionName=name,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": arn}},
    )
    request = lambda_.invoke(FunctionName=name, InvocationType="Event", Payload=b'{"a": 1}')
    request_id = request["ResponseMetadata"]["RequestId"]
    first, second = sorted(received(platform, url, 2), key=lambda each: len(each["Body"]))
    assert json.loads(first["Body"]) == {"a": 1}
    assert {key: value["StringValue"] for key, value in first["MessageAttributes"].items()} == {
        "RequestID": request_id,
        "ErrorCode": "200",
        "ErrorMessage": "no",
    }
    assert first["MessageAttributes"]["ErrorCode"]["DataType"] == "Number"
    record = json.loads(second["Body"])
    assert record.pop("timestamp").endswith("Z")
    assert record.pop("responsePayload")["errorMessage"] == "no"
    assert record == {
        "version": "1.0",
        "requestContext": {
            "requestId": request_id,
            "functionArn": f"arn:aws:lambda:us-east-1:000000000000:function:{name}:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 1,
        },
        "requestPayload": {"a": 1},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
    }


def test_a_function_that_publishes_to_itself_is_stopped_after_sixteen_passes(
    platform: Any, topic: Callable[..., str], queue: Callable[..., tuple[str, str]], eventually: Wait
) -> None:
    """Source: Lambda Developer Guide, "Use Lambda recursive loop detection to prevent infinite loops"."""
    arn, (letters_url, letters) = topic(), queue()
    source = LOOP.format(service="sns", send=f"sns.publish(TopicArn={arn!r}, Message='m')")
    name = platform.create(source, DeadLetterConfig={"TargetArn": letters})
    lambda_ = platform.client("lambda")
    lambda_.add_permission(
        FunctionName=name, StatementId="topic", Action="lambda:InvokeFunction", Principal="sns.amazonaws.com"
    )
    function = f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
    platform.client("sns").subscribe(TopicArn=arn, Protocol="lambda", Endpoint=function)
    lambda_.invoke(FunctionName=name)
    assert received(platform, letters_url)
    eventually(lambda: len(seen(platform, name)) == 16)


def test_a_function_that_sends_to_its_queue_is_stopped_after_sixteen_passes(
    platform: Any, queue: Callable[..., tuple[str, str]], eventually: Wait
) -> None:
    """The message that came too often is left in the queue, which counts its receives. Source: as above."""
    (url, arn), sqs = queue(), platform.client("sqs")
    name = platform.create(LOOP.format(service="sqs", send=f"sqs.send_message(QueueUrl={url!r}, MessageBody='m')"))
    lambda_ = platform.client("lambda")
    mapping = lambda_.create_event_source_mapping(EventSourceArn=arn, FunctionName=name)["UUID"]
    lambda_.invoke(FunctionName=name)
    eventually(lambda: len(seen(platform, name)) == 16)

    def left() -> list[str]:
        counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        return [counts[f"ApproximateNumberOfMessages{kind}"] for kind in ("", "NotVisible")]

    eventually(lambda: left() == ["0", "1"])
    lambda_.delete_event_source_mapping(UUID=mapping)


def test_the_example_is_deployed_by_one_command_and_alerts(
    platform: Any, queue: Callable[..., tuple[str, str]], topic: Callable[..., str]
) -> None:
    sns, (url, to) = platform.client("sns"), queue()
    orders, alerts = (topic().rpartition(":")[2] for _ in range(2))
    base = "arn:aws:sns:us-east-1:000000000000:"
    folder = Path(__file__).parents[2] / "examples" / "large_orders"
    for _ in range(2):  # again brings up to date
        done = platform.lambent(
            "deploy", folder, "--topic", orders, "--timeout", "30", "--env", f"ALERTS={alerts}", "--env", "LIMIT=50"
        )
        assert done.returncode == 0, done.stderr
    assert len(sns.list_subscriptions_by_topic(TopicArn=base + orders)["Subscriptions"]) == 1
    wanted = {"RawMessageDelivery": "true", "FilterPolicy": '{"total": [{"numeric": [">=", 100]}]}'}
    sns.subscribe(TopicArn=base + alerts, Protocol="sqs", Endpoint=to, Attributes=wanted)
    for number, total in enumerate((49, 51, 101)):
        sns.publish(TopicArn=base + orders, Message=json.dumps({"id": f"o-{number}", "total": total}))
    assert [json.loads(each["Body"]) for each in received(platform, url)] == [{"id": "o-2", "total": "101"}]


def test_a_schedule_sends_to_a_topic(
    platform: Any, topic: Callable[..., str], queue: Callable[..., tuple[str, str]]
) -> None:
    """Source: EventBridge Scheduler User Guide, "Using templated targets"."""
    sns, scheduler, arn, (url, to) = platform.client("sns"), platform.client("scheduler"), topic(), queue()
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=to, Attributes={"RawMessageDelivery": "true"})
    statement = {"Effect": "Allow", "Principal": {"Service": "scheduler.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = platform.client("iam").create_role(
        RoleName=f"scheduler-{uuid.uuid4().hex[:8]}",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statement}),
    )["Role"]["Arn"]
    name = f"schedule-{uuid.uuid4().hex[:8]}"
    scheduler.create_schedule(
        Name=name,
        ScheduleExpression="rate(1 hour)",
        Target={"Arn": arn, "RoleArn": role, "Input": "good morning"},
        FlexibleTimeWindow={"Mode": "OFF"},
    )
    assert [each["Body"] for each in received(platform, url)] == ["good morning"]
    scheduler.delete_schedule(Name=name)


def test_the_record_of_an_asynchronous_invocation_goes_to_a_bus_as_an_event(
    platform: Any, queue: Callable[..., tuple[str, str]]
) -> None:
    """Source: Lambda Developer Guide, "Retaining records of asynchronous invocations" (EventBridge: the record is the
    detail, and the resources are the destination and the function)."""
    events, lambda_, (url, to) = platform.client("events"), platform.client("lambda"), queue("events")
    name = platform.create("def handler(event, context):\n    return {'got': event}\n")
    bus, rule = "arn:aws:events:us-east-1:000000000000:event-bus/default", f"rule-{uuid.uuid4().hex[:8]}"
    function = f"arn:aws:lambda:us-east-1:000000000000:function:{name}:$LATEST"
    events.put_rule(Name=rule, EventPattern=json.dumps({"source": ["lambda"], "resources": [function]}))
    events.put_targets(Rule=rule, Targets=[{"Id": "1", "Arn": to}])
    lambda_.put_function_event_invoke_config(FunctionName=name, DestinationConfig={"OnSuccess": {"Destination": bus}})
    request = lambda_.invoke(FunctionName=name, InvocationType="Event", Payload=b'{"a": 1}')
    (message,) = received(platform, url)
    event = json.loads(message["Body"])
    assert event["detail"].pop("timestamp").endswith("Z")
    assert event.pop("id")
    assert event.pop("time").endswith("Z")
    assert event == {
        "version": "0",
        "detail-type": "Lambda Function Invocation Result - Success",
        "source": "lambda",
        "account": "000000000000",
        "region": "us-east-1",
        "resources": [bus, function],
        "detail": {
            "version": "1.0",
            "requestContext": {
                "requestId": request["ResponseMetadata"]["RequestId"],
                "functionArn": function,
                "condition": "Success",
                "approximateInvokeCount": 1,
            },
            "requestPayload": {"a": 1},
            "responseContext": {"statusCode": 200, "executedVersion": "$LATEST"},
            "responsePayload": {"got": {"a": 1}},
        },
    }
    events.remove_targets(Rule=rule, Ids=["1"])
    events.delete_rule(Name=rule)


def test_no_message_is_lost_when_control_is_killed_between_publish_and_delivery(
    own_server: Callable[..., Any], eventually: Callable[[Callable[[], Any]], Any]
) -> None:
    """Control is killed right behind an answer and in the middle of a call. What it left undelivered is counted, and
    each of 200 acknowledged messages reaches both queues, in order."""
    server = own_server("--edges", "1")
    sns, sqs = server.client("sns"), server.client("sqs")
    arn = sns.create_topic(Name="t.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
    plain = sns.create_topic(Name="t")["TopicArn"]
    with pytest.raises(ClientError, match="--endpoint-allow"):  # this server was told of no network
        sns.subscribe(TopicArn=plain, Protocol="http", Endpoint="http://localhost:1/")
    urls = []
    for name in ("a.fifo", "b.fifo"):
        policy = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [policy]})
        made = sqs.create_queue(QueueName=name, Attributes={"FifoQueue": "true", "Policy": document})
        urls.append(made["QueueUrl"])
        to = f"arn:aws:sqs:us-east-1:000000000000:{name}"
        sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=to, Attributes={"RawMessageDelivery": "true"})
    undelivered = 0
    for number in range(0, 200, 10):
        between = number >= 60 and number != 130 and not undelivered  # again, when all was delivered before the kill
        control = eventually(lambda: control_of(server)) if between or number == 130 else 0
        killer = threading.Timer(0.012, os.kill, (control, signal.SIGKILL))
        if number == 130:
            killer.start()
        entries = fifo_entries(range(number, number + 10))
        answer = eventually(partial(published, sns, arn, entries))
        assert len(answer["Successful"]) == len(entries)
        if between:
            os.kill(control, signal.SIGKILL)
            undelivered = waiting_in(server)
        if number == 130:
            killer.join()
    assert undelivered > 0, "each kill came too late to show anything"
    for url in urls:
        assert [each["Body"] for each in received(server, url, 200)] == [str(n) for n in range(200)]


def control_of(server: Any) -> int:
    """Its process; 0 while it is away."""
    said = server.lambent("status", "--format", "json")
    return int(json.loads(said.stdout)["parts"]["control"]["pid"] or 0) if said.returncode == 0 else 0


def waiting_in(server: Any) -> int:
    """How many deliveries are on disk."""
    with closing(sqlite3.connect(server.server.data / "db" / "deliveries.sqlite")) as database:
        return int(database.execute("SELECT COUNT(*) FROM deliveries").fetchone()[0])


def fifo_entries(numbers: range) -> list[dict[str, str]]:
    return [{"Id": str(n), "Message": str(n), "MessageGroupId": "g", "MessageDeduplicationId": str(n)} for n in numbers]


def published(sns: Any, arn: str, entries: list[dict[str, str]]) -> Any:
    """The answer; None while control is away."""
    try:
        return sns.publish_batch(TopicArn=arn, PublishBatchRequestEntries=entries)
    except ClientError:
        return None
