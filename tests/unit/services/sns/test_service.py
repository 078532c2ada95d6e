"""SNS without a platform: operations in, deliveries out, the clock in hand."""

import json
from base64 import b64decode
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from lambent.clock import FakeClock
from lambent.config import Quotas
from lambent.delivery.api import Delivery, Pace
from lambent.delivery.retry import paced_wait_s
from lambent.errors import ServiceError
from lambent.ids import FakeIds
from lambent.model.principal import Principal
from lambent.services.operation import RequestContext
from lambent.services.sns import delivery_policy, subscription_attributes
from lambent.services.sns.api import Links
from lambent.services.sns.errors import AuthorizationError, InvalidParameter, NotFound
from lambent.services.sns.model import Attribute
from lambent.services.sns.names import TopicKey
from lambent.services.sns.publishing import Sender
from lambent.services.sns.service import SnsService
from lambent.services.sns.signing import IdentityDamaged, Signer, make_identity
from lambent.store.memory import open_memory
from lambent.store.sql import load_schema
from lambent.store.sqlite import open_sqlite

ACCOUNT, OTHER, REGION = "111111111111", "222222222222", "us-east-1"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:t"
FIFO = f"{TOPIC}.fifo"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:q"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"
MODEL = botocore.session.get_session().get_service_model("sns")
SIGNER = Signer(make_identity(1_767_225_600.0))
NO_QUEUE = json.dumps({"deadLetterTargetArn": FUNCTION})
SCHEMA = load_schema("lambent.services.sns")


class Outbox:
    def __init__(self) -> None:
        self.got: list[Delivery] = []

    async def put(self, deliveries: Sequence[Delivery]) -> None:
        self.got += deliveries

    def refusal(self, url: str) -> str | None:
        return "it is near" if "://10." in url else None


class House:
    def __init__(self) -> None:
        self.clock, self.outbox = FakeClock(1_767_225_600.0), Outbox()  # 2026-01-01T00:00:00Z

    async def open(self, path: Path | None = None) -> "House":
        self.database = await (open_sqlite(path, SCHEMA) if path else open_memory(SCHEMA))
        links = Links(self.outbox, SIGNER, self.outbox)
        self.service = SnsService(self.database, self.clock, FakeIds(), links, Quotas(topics=5))
        return self

    async def call(self, name: str, *, account: str = ACCOUNT, **request: Any) -> Any:
        arn = f"arn:aws:iam::{account}:root" if account else "anonymous"
        context = RequestContext(Principal(account, arn, account), account, REGION, "r", "http://here:4566")
        shapes = MODEL.operation_model(name)
        report = ParamValidator().validate(request, shapes.input_shape)
        assert not report.has_errors(), report.generate_report()
        answer = await self.service.operations[name](context, request)
        if shapes.output_shape is not None:
            report = ParamValidator().validate(answer, shapes.output_shape)
            assert not report.has_errors(), report.generate_report()
        return answer

    async def topic(self, name: str = "t", **attributes: str) -> str:
        return str((await self.call("CreateTopic", Name=name, Attributes=attributes))["TopicArn"])

    async def subscribe(self, endpoint: str, topic: str = TOPIC, **attributes: str) -> str:
        protocol = endpoint.split(":")[2] if endpoint.startswith("arn") else endpoint.partition(":")[0]
        answer = await self.call(
            "Subscribe",
            TopicArn=topic,
            Protocol=protocol,
            Endpoint=endpoint,
            Attributes=attributes,
            ReturnSubscriptionArn=True,
        )
        return str(answer["SubscriptionArn"])


@pytest.fixture
async def house() -> AsyncIterator[House]:
    made = await House().open()
    await made.topic()
    yield made
    await made.database.close()


@pytest.mark.parametrize("kept", [b"", b"nothing", make_identity(1_767_225_600.0)[:1_750]])
def test_an_identity_that_is_damaged_is_named_with_what_to_do(kept: bytes) -> None:
    with pytest.raises(IdentityDamaged, match="put it back, or remove it for a new one"):
        Signer(kept)


async def test_a_delivery_is_made_for_each_confirmed_subscription_that_wants_the_message(house: House) -> None:
    """Source: SNS Developer Guide, "Message delivery retries": 100,015 retries over 23 days for AWS's own endpoints."""
    await house.subscribe(QUEUE, RawMessageDelivery="true")
    await house.subscribe(FUNCTION, FilterPolicy='{"kind": ["none"]}')
    await house.subscribe("https://example.com/in")
    house.outbox.got.clear()
    await house.call("Publish", TopicArn=TOPIC, Message="m")
    (made,) = house.outbox.got
    assert (made.target_arn, made.payload, made.principal, made.source_arn) == (
        *(QUEUE, b"m"),
        *("sns.amazonaws.com", TOPIC),
    )
    assert (made.max_retries, made.max_age_s) == (100_015, 23 * 86_400)


@pytest.mark.parametrize(
    ("protocol", "text"), [("sqs", "short"), ("lambda", "default text")], ids=["own text", "default"]
)
async def test_a_structured_message_has_a_text_for_each_protocol(house: House, protocol: str, text: str) -> None:
    """Source: SNS API reference, Publish (MessageStructure)."""
    await house.subscribe(QUEUE if protocol == "sqs" else FUNCTION)
    structure = json.dumps({"default": "default text", "sqs": "short"})
    await house.call("Publish", TopicArn=TOPIC, Message=structure, MessageStructure="json")
    (made,) = house.outbox.got
    payload = json.loads(made.payload)
    envelope = payload if protocol == "sqs" else payload["Records"][0]["Sns"]
    assert envelope["Message"] == text


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"Message": ""}, "Empty message"),
        ({"Message": "m" * 262_145}, "Message too long"),
        (
            {"Message": "m" * 262_000, "MessageAttributes": {"a": {"DataType": "String", "StringValue": "v" * 300}}},
            "long",
        ),
        ({"Message": "m", "Subject": "a\nb"}, "Subject"),
        ({"Message": "m", "Subject": "s" * 101}, "Subject"),
        ({"Message": "m", "MessageStructure": "json"}, "failed to parse"),
        ({"Message": '{"sqs": "a"}', "MessageStructure": "json"}, "No default entry"),
        ({"Message": "m", "MessageStructure": "xml"}, "MessageStructure"),
        ({"Message": "m", "MessageGroupId": "g"}, "not valid for this topic type"),
        ({"Message": "m", "MessageAttributes": {"a": {"DataType": "Text", "StringValue": "v"}}}, "type prefixes"),
        ({"Message": "m", "MessageAttributes": {"a": {"DataType": "Number", "StringValue": "v"}}}, "to number"),
        ({"Message": "m", "MessageAttributes": {"a": {"DataType": "String.Array", "StringValue": "{}"}}}, "JSON array"),
        ({"Message": "m", "MessageAttributes": {"a": {"DataType": "String", "StringValue": ""}}}, "non-empty"),
        (
            {"Message": "m", "MessageAttributes": {"AWS.a": {"DataType": "String", "StringValue": "v"}}},
            "start with AWS",
        ),
    ],
)
async def test_a_wrong_message_is_refused_and_nobody_gets_it(
    house: House, request_: dict[str, Any], words: str
) -> None:
    await house.subscribe(QUEUE)
    with pytest.raises(ServiceError, match=words):
        await house.call("Publish", TopicArn=TOPIC, **request_)
    assert not house.outbox.got


async def test_a_batch_tells_of_each_entry(house: House) -> None:
    """Source: SNS API reference, PublishBatch."""
    await house.subscribe(QUEUE)
    entries = [{"Id": "a", "Message": "m"}, {"Id": "b", "Message": "m", "Subject": "\n"}]
    answer = await house.call("PublishBatch", TopicArn=TOPIC, PublishBatchRequestEntries=entries)
    assert [each["Id"] for each in answer["Successful"]] == ["a"]
    (failed,) = answer["Failed"]
    assert (failed["Id"], failed["Code"], failed["SenderFault"]) == ("b", "InvalidParameter", True)
    assert len(house.outbox.got) == 1
    for wrong, code in (
        ([], "EmptyBatchRequest"),
        ([{"Id": str(n), "Message": "m"} for n in range(11)], "TooManyEntriesInBatchRequest"),
        ([{"Id": "a", "Message": "m"}] * 2, "BatchEntryIdsNotDistinct"),
        ([{"Id": "a b", "Message": "m"}], "InvalidBatchEntryId"),
        ([{"Id": str(n), "Message": "m" * 131_073} for n in range(2)], "BatchRequestTooLong"),
    ):
        with pytest.raises(ServiceError) as refused:
            await house.call("PublishBatch", TopicArn=TOPIC, PublishBatchRequestEntries=wrong)
        assert refused.value.code == f"{code}Exception"


async def test_a_fifo_topic_forgets_deduplication_ids_after_five_minutes_and_not_by_a_restart(tmp_path: Path) -> None:
    """Source: SNS Developer Guide, "Message deduplication for FIFO topics"."""
    house = await House().open(tmp_path / "sns.sqlite")
    await house.topic("t.fifo", FifoTopic="true")
    await house.subscribe(f"{QUEUE}.fifo", FIFO, RawMessageDelivery="true")
    request = {"TopicArn": FIFO, "Message": "m", "MessageGroupId": "g", "MessageDeduplicationId": "d"}
    first = await house.call("Publish", **request)
    await house.database.close()
    await house.open(tmp_path / "sns.sqlite")
    await house.clock.advance(299)
    assert await house.call("Publish", **request) == first
    assert len(house.outbox.got) == 1
    await house.clock.advance(2)
    later = await house.call("Publish", **request)
    assert int(later["SequenceNumber"]) > int(first["SequenceNumber"])
    assert [each.line for each in house.outbox.got] == [house.outbox.got[0].line] * 2
    assert house.outbox.got[0].options == {"MessageGroupId": "g", "MessageDeduplicationId": "d"}
    await house.database.close()


@pytest.mark.parametrize(("scope", "delivered"), [("Topic", 1), ("MessageGroup", 2)])
async def test_deduplication_has_the_scope_of_the_topic_or_the_group(house: House, scope: str, delivered: int) -> None:
    """Source: SNS API reference, CreateTopic (FifoThroughputScope)."""
    await house.topic("t.fifo", FifoTopic="true", FifoThroughputScope=scope)
    await house.subscribe(f"{QUEUE}.fifo", FIFO)
    entries = [{"Id": g, "Message": "m", "MessageGroupId": g, "MessageDeduplicationId": "d"} for g in "ab"]
    await house.call("PublishBatch", TopicArn=FIFO, PublishBatchRequestEntries=entries)
    assert len(house.outbox.got) == delivered


async def test_a_subscription_is_confirmed_by_its_token_within_two_days(house: House) -> None:
    """Source: SNS API reference, Subscribe and ConfirmSubscription."""
    arn = await house.subscribe("http://example.com/")
    (asked,) = house.outbox.got
    token = json.loads(asked.payload)["Token"]
    for wrong in (token[:-1] + "x", "0" * 256, "no"):
        with pytest.raises(InvalidParameter, match="Token"):
            await house.call("ConfirmSubscription", account="", TopicArn=TOPIC, Token=wrong)
    await house.clock.advance(2 * 86_400)
    with pytest.raises(InvalidParameter, match="Token"):
        await house.call("ConfirmSubscription", account="", TopicArn=TOPIC, Token=token)
    assert not (await house.call("ListSubscriptions"))["Subscriptions"]
    again = await house.subscribe("http://example.com/")
    assert again != arn
    token = json.loads(house.outbox.got[-1].payload)["Token"]
    assert (await house.call("ListSubscriptions"))["Subscriptions"][0]["SubscriptionArn"] == "PendingConfirmation"
    answer = await house.call("ConfirmSubscription", account="", TopicArn=TOPIC, Token=token)
    assert answer == {"SubscriptionArn": again}
    await house.call("Publish", TopicArn=TOPIC, Message="m")
    assert house.outbox.got[-1].options["x-amz-sns-message-type"] == "Notification"


async def test_only_the_owner_ends_a_subscription_whose_confirmation_asked_for_it(house: House) -> None:
    """Source: SNS API reference, ConfirmSubscription (AuthenticateOnUnsubscribe)."""
    arn = await house.subscribe("http://example.com/")
    token = json.loads(house.outbox.got[-1].payload)["Token"]
    request = {"TopicArn": TOPIC, "Token": token, "AuthenticateOnUnsubscribe": "true"}
    await house.call("ConfirmSubscription", **request)
    for account in ("", OTHER):
        with pytest.raises(AuthorizationError):
            await house.call("Unsubscribe", account=account, SubscriptionArn=arn)
    await house.call("Unsubscribe", SubscriptionArn=arn)
    await house.call("Unsubscribe", SubscriptionArn=arn)
    with pytest.raises(NotFound):
        await house.call("GetSubscriptionAttributes", SubscriptionArn=arn)
    attributes = (await house.call("GetTopicAttributes", TopicArn=TOPIC))["Attributes"]
    assert attributes["SubscriptionsDeleted"] == "1"


async def test_another_account_does_what_the_policy_allows_and_no_more(house: House) -> None:
    """Source: SNS API reference, AddPermission; SNS Developer Guide, "Example cases for Amazon SNS access control"."""
    with pytest.raises(AuthorizationError, match="SNS:Publish"):
        await house.call("Publish", account=OTHER, TopicArn=TOPIC, Message="m")
    share: dict[str, Any] = {"TopicArn": TOPIC, "Label": "other", "AWSAccountId": [OTHER], "ActionName": ["Publish"]}
    await house.call("AddPermission", **share)
    await house.call("Publish", account=OTHER, TopicArn=TOPIC, Message="m")
    with pytest.raises(AuthorizationError):
        await house.call("DeleteTopic", account=OTHER, TopicArn=TOPIC)
    await house.call("RemovePermission", TopicArn=TOPIC, Label="other")
    with pytest.raises(AuthorizationError):
        await house.call("Publish", account=OTHER, TopicArn=TOPIC, Message="m")
    assert not (await house.call("ListTopics", account=OTHER))["Topics"]


async def test_a_policy_may_ask_what_is_subscribed(house: House) -> None:
    """Source: SNS Developer Guide, "Amazon SNS policy keys": sns:Protocol and sns:Endpoint, of Subscribe."""

    async def refused(statement: dict[str, Any]) -> list[bool]:
        policy = json.dumps(
            {"Statement": [{"Principal": "*", "Action": "SNS:Subscribe", "Resource": TOPIC} | statement]}
        )
        await house.call("SetTopicAttributes", TopicArn=TOPIC, AttributeName="Policy", AttributeValue=policy)
        found = []
        for protocol, endpoint in (("https", "https://shop.example/hook"), ("sqs", QUEUE)):
            wanted = {"TopicArn": TOPIC, "Protocol": protocol, "Endpoint": endpoint}
            try:
                await house.call("Subscribe", **wanted)
                found.append(False)
            except AuthorizationError:
                found.append(True)
        return found

    assert await refused({"Effect": "Deny", "Condition": {"StringNotEquals": {"sns:Protocol": "https"}}}) == [
        False,
        True,
    ]
    endpoints = {"StringLike": {"sns:Endpoint": "https://*.example/*"}}
    assert await refused({"Effect": "Deny", "Condition": endpoints}) == [True, False]


async def test_a_service_publishes_where_the_policy_names_it_or_its_role_is_of_the_account(house: House) -> None:
    await house.subscribe(QUEUE)
    publish, sender = house.service.publisher.publish_for, Sender("events.amazonaws.com", "rule", ACCOUNT)
    attributes = {"a": Attribute("Number", "1")}
    with pytest.raises(AuthorizationError):
        await publish(sender, TOPIC, {"Message": "m"}, attributes)
    await publish(structs.replace(sender, trusted=True), TOPIC, {"Message": "m", "Subject": "s"}, attributes)
    (made,) = house.outbox.got
    told = json.loads(made.payload)
    assert (told["Subject"], told["MessageAttributes"]) == ("s", {"a": {"Type": "Number", "Value": "1"}})


@pytest.mark.parametrize(
    ("topic", "request_", "words"),
    [
        (TOPIC, {"Protocol": "sqs", "Endpoint": f"{QUEUE}.fifo"}, "FIFO SQS Queues can not be subscribed"),
        (FIFO, {"Protocol": "lambda", "Endpoint": FUNCTION}, "Invalid protocol type: lambda"),
        (TOPIC, {"Protocol": "sqs", "Endpoint": FUNCTION}, "SQS endpoint ARN"),
        (TOPIC, {"Protocol": "lambda", "Endpoint": "f"}, "Lambda endpoint ARN"),
        (TOPIC, {"Protocol": "http", "Endpoint": "https://a"}, "must match the specified protocol"),
        (TOPIC, {"Protocol": "http", "Endpoint": "http://"}, "not a URL"),
        (TOPIC, {"Protocol": "http", "Endpoint": "http://10.0.0.1/"}, "it is near"),
        (TOPIC, {"Protocol": "pigeon", "Endpoint": "a"}, "does not support this protocol string"),
        (TOPIC, {"Protocol": "email", "Endpoint": "a@b"}, "protocol email is not implemented"),
        (TOPIC, {"Protocol": "lambda", "Endpoint": FUNCTION, "Attributes": {"RawMessageDelivery": "true"}}, "raw"),
        (TOPIC, {"Protocol": "sqs", "Endpoint": QUEUE, "Attributes": {"FilterPolicy": '{"a": {}}'}}, "FilterPolicy"),
        (TOPIC, {"Protocol": "sqs", "Endpoint": QUEUE, "Attributes": {"FilterPolicyScope": "All"}}, "Invalid value"),
        (TOPIC, {"Protocol": "sqs", "Endpoint": QUEUE, "Attributes": {"Color": "red"}}, "AttributeName"),
        (
            TOPIC,
            {"Protocol": "sqs", "Endpoint": QUEUE, "Attributes": {"RedrivePolicy": NO_QUEUE}},
            "ARN of an SQS queue",
        ),
        (f"{TOPIC}-not", {"Protocol": "sqs", "Endpoint": QUEUE}, "Topic does not exist"),
        ("t", {"Protocol": "sqs", "Endpoint": QUEUE}, "An ARN must have at least 6 elements, not 1"),
    ],
)  # fmt: skip
async def test_a_wrong_subscription_is_refused_and_not_kept(
    house: House, topic: str, request_: dict[str, Any], words: str
) -> None:
    await house.topic("t.fifo", FifoTopic="true")
    with pytest.raises(ServiceError, match=words):
        await house.call("Subscribe", TopicArn=topic, **request_)
    assert not (await house.call("ListSubscriptions"))["Subscriptions"]


@pytest.mark.parametrize(
    ("name", "attributes", "words"),
    [
        ("a b", {}, "Topic Name"),
        ("a.fifo", {}, "Topic Name"),
        ("a", {"FifoTopic": "true"}, "must end with .fifo"),
        ("a", {"ContentBasedDeduplication": "true"}, "only be set for FIFO topics"),
        ("a", {"Policy": '{"Statement": []}'}, "Policy"),
        ("a", {"SignatureVersion": "3"}, "SignatureVersion"),
        ("a", {"TracingConfig": "Active"}, "Active tracing is not implemented"),
        ("a", {"LambdaSuccessFeedbackRoleArn": "arn:aws:iam::1:role/r"}, "delivery status is not implemented"),
        ("a", {"LambdaSuccessFeedbackSampleRate": "1"}, "delivery status is not implemented"),
        ("a", {"Color": "red"}, "AttributeName"),
    ],
)
async def test_a_wrong_topic_is_refused_and_not_made(
    house: House, name: str, attributes: dict[str, str], words: str
) -> None:
    with pytest.raises(ServiceError, match=words):
        await house.topic(name, **attributes)
    assert len((await house.call("ListTopics"))["Topics"]) == 1


async def test_a_sample_rate_of_zero_logs_nothing_as_lambent_does(house: House) -> None:
    """Terraform's provider sets it for every protocol of every topic."""
    attribute = {"AttributeName": "HTTPSuccessFeedbackSampleRate", "AttributeValue": "0"}
    await house.call("SetTopicAttributes", TopicArn=TOPIC, **attribute)
    shown = (await house.call("GetTopicAttributes", TopicArn=TOPIC))["Attributes"]
    assert shown["HTTPSuccessFeedbackSampleRate"] == "0"
    with pytest.raises(ServiceError, match="delivery status is not implemented"):
        await house.call("SetTopicAttributes", TopicArn=TOPIC, **attribute | {"AttributeValue": "100"})


async def test_an_account_has_so_many_topics_and_no_more(house: House) -> None:
    for number in range(4):
        await house.topic(f"more{number}")
    with pytest.raises(ServiceError, match="Topic limit exceeded"):
        await house.topic("fifth")


async def test_the_password_of_an_endpoint_is_not_shown(house: House) -> None:
    await house.subscribe("http://me:secret@example.com/in")
    (shown,) = (await house.call("ListSubscriptions"))["Subscriptions"]
    assert shown["Endpoint"] == "http://me:****@example.com/in"
    assert house.outbox.got[0].target_arn == "http://me:secret@example.com/in"


async def test_a_topic_decides_how_its_endpoints_are_retried_unless_they_do(house: House) -> None:
    """Source: SNS Developer Guide, "Creating an HTTP/S delivery policy"."""
    topic = json.dumps({"http": {"defaultHealthyRetryPolicy": {"numRetries": 7, "maxDelayTarget": 40}}})
    own = json.dumps({"healthyRetryPolicy": {"numRetries": 1}, "requestPolicy": {"headerContentType": "text/html"}})
    assert delivery_policy.http_policy("", "").retries == 3
    assert delivery_policy.http_policy(topic, "").pace.max_s == 40.0
    found = delivery_policy.http_policy(topic, own)
    assert (found.retries, found.content_type) == (1, "text/html")
    forced = json.dumps({"http": {**json.loads(topic)["http"], "disableSubscriptionOverrides": True}})
    assert delivery_policy.http_policy(forced, own).retries == 7
    for wrong in (
        {"numRetries": 101},
        {"minDelayTarget": 30},
        {"numNoDelayRetries": 4},
        {"backoffFunction": "x"},
        {"a": 1},
    ):
        with pytest.raises(InvalidParameter, match="DeliveryPolicy"):
            delivery_policy.check_for_subscription(json.dumps({"healthyRetryPolicy": wrong}))


def test_queues_and_functions_are_retried_over_23_days() -> None:
    """Source: SNS Developer Guide, "Amazon SNS message delivery retries", table of delivery policies."""
    retries = delivery_policy.PATIENT_RETRIES
    waits = [paced_wait_s(delivery_policy.PATIENT, retries, retry) for retry in range(1, retries + 1)]
    assert waits[:5] == [0, 0, 0, 1, 1]
    assert waits[5:15] == sorted(waits[5:15])
    assert waits[14:16] == [20, 20]
    assert 23 <= sum(waits) / 86_400 < 23.2


@settings(max_examples=50)
@given(
    st.sampled_from(delivery_policy.CURVES),
    st.tuples(st.integers(0, 20), st.integers(0, 20), st.integers(0, 20), st.integers(0, 20)),
    st.integers(1, 3_600),
    st.integers(1, 3_600),
)
def test_waits_only_grow_and_stay_within_the_policy(
    curve: str, counts: tuple[int, int, int, int], one: int, other: int
) -> None:
    least, most = sorted((one, other))
    pace = Pace(*counts[:3], float(least), float(most), curve)
    waits = [paced_wait_s(pace, sum(counts), retry) for retry in range(1, sum(counts) + 1)]
    assert waits == sorted(waits)
    assert all(wait == 0 or least <= wait <= most for wait in waits)


@settings(max_examples=50)
@given(
    st.sampled_from([*subscription_attributes.SETTABLE, *subscription_attributes.REFUSED, "Other"]),
    st.one_of(
        st.text(max_size=40),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=8),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.sampled_from(["a", "$or", "deadLetterTargetArn", "healthyRetryPolicy"]), inner)
            ),
            max_leaves=6,
        ).map(json.dumps),
    ),
)
def test_any_attribute_is_taken_or_refused_by_name(name: str, value: str) -> None:
    try:
        kept = subscription_attributes.checked(TopicKey(ACCOUNT, REGION, "t"), "https", {name: value})
    except ServiceError:
        return
    subscription_attributes.filter_of(kept)
    delivery_policy.http_policy("", kept.get("DeliveryPolicy", ""))


@settings(max_examples=50)
@given(st.recursive(
    st.none() | st.booleans() | st.integers(-5, 200) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from([*delivery_policy.DEFAULTS, "http", "defaultHealthyRetryPolicy"]), inner),
    max_leaves=8,
).map(json.dumps))  # fmt: skip
def test_any_delivery_policy_of_a_topic_can_be_carried_out_or_is_refused(text: str) -> None:
    try:
        delivery_policy.check_for_topic(text)
    except ServiceError:
        return
    delivery_policy.http_policy(text, "")
    delivery_policy.effective_of_topic(text)


@pytest.mark.parametrize(("version", "digest"), [("1", hashes.SHA1()), ("2", hashes.SHA256())])
async def test_a_signature_is_of_the_version_that_the_topic_asks_for(
    house: House, version: str, digest: hashes.HashAlgorithm
) -> None:
    """Source: SNS Developer Guide, "Verifying the signatures of Amazon SNS messages": the string to sign."""
    await house.call("SetTopicAttributes", TopicArn=TOPIC, AttributeName="SignatureVersion", AttributeValue=version)
    await house.subscribe(QUEUE)
    await house.call("Publish", TopicArn=TOPIC, Message="m\nn", Subject="s")
    envelope = json.loads(house.outbox.got[0].payload)
    assert envelope["SignatureVersion"] == version
    names = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
    text = "".join(f"{name}\n{envelope[name]}\n" for name in names)
    key = x509.load_pem_x509_certificate(house.service.certificate(SIGNER.path) or b"").public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    key.verify(b64decode(envelope["Signature"]), text.encode(), padding.PKCS1v15(), digest)
    assert house.service.certificate("/SimpleNotificationService-other.pem") is None
