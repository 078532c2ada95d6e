"""SQS over HTTP with boto3 and both versions of `aws`: the present json protocol and the older query protocol."""

import hashlib
import json
import os
import signal
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.acceptance.conftest import Platform


HIDDEN_S = 4  # how long a message that was received is nobody else's


def new_queue(platform: "Platform", **attributes: str) -> tuple[Any, str]:
    sqs = platform.client("sqs")
    suffix = ".fifo" if attributes.get("FifoQueue") else ""
    name = f"q-{uuid.uuid4().hex[:12]}{suffix}"
    return sqs, sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]


def test_a_message_goes_there_and_back_with_boto3(platform: "Platform") -> None:
    sqs, url = new_queue(platform)
    sent = sqs.send_message(
        QueueUrl=url,
        MessageBody="hello",
        MessageAttributes={"kind": {"DataType": "String", "StringValue": "greeting"}},
    )
    assert sent["MD5OfMessageBody"] == hashlib.md5(b"hello").hexdigest()
    (message,) = sqs.receive_message(QueueUrl=url, AttributeNames=["All"], MessageAttributeNames=["All"])["Messages"]
    assert message["Body"] == "hello"
    assert message["MessageId"] == sent["MessageId"]
    assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    assert message["MessageAttributes"]["kind"]["StringValue"] == "greeting"
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert attributes["ApproximateNumberOfMessages"] == attributes["ApproximateNumberOfMessagesNotVisible"] == "0"


@pytest.mark.parametrize("version", [1, 2])
def test_a_message_goes_there_and_back_with_aws(platform: "Platform", version: int) -> None:
    # Version 1 reads AWS_ENDPOINT_URL for every service but SQS, RDS and EMR, whose old addresses it puts first.
    command = platform.aws2() if version == 2 else (str(platform.bin / "aws"), "--endpoint-url", platform.endpoint)

    def aws(*words: str) -> Any:
        done = platform.command(*command, "sqs", *words, "--output", "json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None

    name = f"q-{uuid.uuid4().hex[:12]}"
    url = aws("create-queue", "--queue-name", name, "--attributes", "VisibilityTimeout=5", "--tags", "a=b")["QueueUrl"]
    attribute = '{"n": {"DataType": "Number", "StringValue": "7"}}'
    sent = aws("send-message", "--queue-url", url, "--message-body", "<&>", "--message-attributes", attribute)
    (message,) = aws(
        *("receive-message", "--queue-url", url, "--attribute-names", "All", "--message-attribute-names", "All")
    )["Messages"]
    assert message["Body"] == "<&>"
    assert message["MessageAttributes"]["n"]["StringValue"] == "7"
    assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    aws("delete-message", "--queue-url", url, "--receipt-handle", message["ReceiptHandle"])
    found = aws("get-queue-attributes", "--queue-url", url, "--attribute-names", "All")["Attributes"]
    assert found["VisibilityTimeout"] == "5"
    assert aws("list-queue-tags", "--queue-url", url)["Tags"] == {"a": "b"}
    assert url in aws("list-queues", "--queue-name-prefix", name)["QueueUrls"]
    entries = '[{"Id": "1", "MessageBody": "a"}, {"Id": "2", "MessageBody": "b", "DelaySeconds": 901}]'
    batch = aws("send-message-batch", "--queue-url", url, "--entries", entries)
    assert [entry["Id"] for entry in batch["Successful"]] == ["1"]
    assert [entry["Code"] for entry in batch["Failed"]] == ["InvalidParameterValue"]
    aws("delete-queue", "--queue-url", url)
    gone = platform.command(*command, "sqs", "get-queue-attributes", "--queue-url", url)
    assert "AWS.SimpleQueueService.NonExistentQueue" in gone.stderr


def test_a_long_poll_is_answered_as_soon_as_a_message_is_sent(platform: "Platform") -> None:
    sqs, url = new_queue(platform)
    _, other = new_queue(platform)
    clients = [platform.client("sqs") for _ in range(2)]

    def wait(client: Any, url: str) -> Any:
        return client.receive_message(QueueUrl=url, WaitTimeSeconds=20).get("Messages")

    with ThreadPoolExecutor(2) as pool:
        wanted, unwanted = (pool.submit(wait, *each) for each in zip(clients, (url, other), strict=True))
        threading.Event().wait(0.5)
        sqs.send_message(QueueUrl=url, MessageBody="now")
        assert wanted.result()[0]["Body"] == "now"
        assert not unwanted.done(), "a poll that nothing comes to ends after 20 s, on any machine"
        sqs.send_message(QueueUrl=other, MessageBody="now, too")


def test_a_fifo_queue_keeps_its_order_and_sends_nothing_twice(platform: "Platform") -> None:
    sqs, url = new_queue(platform, FifoQueue="true", ContentBasedDeduplication="true")
    entries = [{"Id": str(n), "MessageBody": f"m{n}", "MessageGroupId": "g"} for n in range(10)]
    first = sqs.send_message_batch(QueueUrl=url, Entries=entries)["Successful"]
    again = sqs.send_message_batch(QueueUrl=url, Entries=entries)["Successful"]
    assert [each["MessageId"] for each in first] == [each["MessageId"] for each in again]
    bodies = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=4).get("Messages"):
        bodies += [message["Body"] for message in messages]
        for message in messages:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert bodies == [f"m{n}" for n in range(10)]


def test_errors_have_the_names_that_sdks_know(platform: "Platform") -> None:
    sqs, url = new_queue(platform)
    with pytest.raises(sqs.exceptions.QueueDoesNotExist) as missing:
        sqs.get_queue_url(QueueName="nobody")
    assert missing.value.response["Error"]["Code"] == "AWS.SimpleQueueService.NonExistentQueue"
    with pytest.raises(sqs.exceptions.ReceiptHandleIsInvalid):
        sqs.delete_message(QueueUrl=url, ReceiptHandle="nonsense")
    with pytest.raises(ClientError, match="InvalidParameterValue"):
        sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=11)


def test_a_resource_sends_receives_and_purges(platform: "Platform") -> None:
    resource = platform.session().resource("sqs", endpoint_url=platform.endpoint)
    queue = resource.create_queue(QueueName=f"q-{uuid.uuid4().hex[:12]}", Attributes={"DelaySeconds": "0"})
    queue.send_messages(Entries=[{"Id": str(n), "MessageBody": str(n)} for n in range(10)])
    found: set[str] = set()
    while len(found) < 8:
        for message in queue.receive_messages(MaxNumberOfMessages=3, WaitTimeSeconds=1):
            found.add(message.body)
            message.delete()
    queue.load()
    assert int(queue.attributes["ApproximateNumberOfMessages"]) == 10 - len(found)
    queue.purge()
    queue.reload()
    assert queue.attributes["ApproximateNumberOfMessages"] == "0"
    assert [each.url for each in resource.queues.filter(QueueNamePrefix=queue.url.rpartition("/")[2])] == [queue.url]


def test_dead_letters_are_moved_back(platform: "Platform", eventually: Any) -> None:
    sqs, dead = new_queue(platform)
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})
    _, url = new_queue(platform, VisibilityTimeout="0", RedrivePolicy=policy)
    sqs.send_message(QueueUrl=url, MessageBody="poison")
    assert sqs.receive_message(QueueUrl=url)["Messages"]
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == [url]
    sqs.start_message_move_task(SourceArn=arn)
    assert (
        eventually(lambda: sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages"))[0]["Body"] == "poison"
    )
    assert eventually(lambda: sqs.list_message_move_tasks(SourceArn=arn)["Results"][0]["Status"] == "COMPLETED")


def test_a_storm_of_sends_and_deletes_is_not_hurt_by_kill_9_of_control(
    own_server: "Callable[..., Platform]", eventually: Any
) -> None:
    """What a send acknowledged is there; what a delete acknowledged in time never comes back; twice, control is killed.

    In time: while the handle is the last one given out. An older one is acknowledged, too, and deletes nothing.
    """
    platform = own_server()
    _, url = new_queue(platform, VisibilityTimeout=str(HIDDEN_S))
    sent: set[str] = set()
    deleted: set[str] = set()
    received: list[tuple[str, bool]] = []
    stop = threading.Event()

    def send(worker: int) -> None:
        client, number = platform.client("sqs"), 0
        while not stop.is_set():
            bodies = [f"{worker}-{number + n}" for n in range(10)]
            number += 10
            try:
                entries = [{"Id": str(n), "MessageBody": body} for n, body in enumerate(bodies)]
                client.send_message_batch(QueueUrl=url, Entries=entries)
            except (BotoCoreError, ClientError):
                continue
            sent.update(bodies)

    def drain(finish: threading.Event) -> None:
        client = platform.client("sqs")
        while not finish.is_set():
            gone = set(deleted)  # what is deleted while we ask may still come
            asked_s = time.monotonic()
            try:
                messages = client.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
                for message in messages.get("Messages", []):
                    received.append((message["Body"], message["Body"] in gone))
                entries = [
                    {"Id": str(n), "ReceiptHandle": message["ReceiptHandle"]}
                    for n, message in enumerate(messages.get("Messages", []))
                ]
                done = client.delete_message_batch(QueueUrl=url, Entries=entries) if entries else {"Successful": []}
            except (BotoCoreError, ClientError):
                continue
            if time.monotonic() - asked_s < HIDDEN_S:
                deleted.update(messages["Messages"][int(each["Id"])]["Body"] for each in done["Successful"])

    def more_sent(than: int) -> "Callable[[], bool]":
        return lambda: len(sent) > than + 300

    finish = threading.Event()
    with ThreadPoolExecutor(4) as pool:
        works = [pool.submit(send, 0), pool.submit(send, 1), pool.submit(drain, finish), pool.submit(drain, finish)]
        try:
            for _ in range(2):
                eventually(more_sent(len(sent)))
                status = platform.lambent("status", "--format", "json", "--data", str(platform.server.data))
                os.kill(json.loads(status.stdout)["parts"]["control"]["pid"], signal.SIGKILL)
            eventually(more_sent(len(sent)))
            stop.set()
            eventually(lambda: sent <= {body for body, _ in received}, 120)
        finally:
            stop.set()
            finish.set()
        for work in works:
            work.result()
    assert deleted
    assert not [body for body, was_deleted in received if was_deleted]
    assert sent <= {body for body, _ in received}


def test_a_long_poll_that_waits_does_not_hold_up_a_stop(own_server: "Callable[..., Platform]") -> None:
    platform = own_server()
    _, url = new_queue(platform)
    client = platform.client("sqs")
    client.receive_message(QueueUrl=url)  # its connection is there
    with ThreadPoolExecutor(1) as pool:
        polling = pool.submit(client.receive_message, QueueUrl=url, WaitTimeSeconds=20)
        threading.Event().wait(3)
        assert platform.server.stop() == 0
        assert "Messages" not in polling.result()  # answered, not cut off
