"""Every part is killed at random while a queue of 10,000 messages runs through a function: none may be lost, and none
deleted without a success.

Source of the promise: issue "Queues, topics and schedules", item 3; DESIGN.md, tenet 2.
"""

import contextlib
import json
import os
import random
import signal
import threading
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

MESSAGES, KILLS = 10_000, 9
# Says what it has seen, durably, and only then succeeds; one batch in eight fails after it was begun.
WITNESS = """
import json, random, boto3
from botocore.config import Config
sqs = boto3.client("sqs", config=Config(retries={{"total_max_attempts": 1}}, read_timeout=3, connect_timeout=1))
def handler(event, context):
    numbers = [int(record["body"]) for record in event["Records"]]
    if random.random() < 0.125:
        raise RuntimeError("an unlucky batch")
    sqs.send_message(QueueUrl="{out}", MessageBody=json.dumps(numbers))
"""


def parts(platform: "Platform") -> list[int]:
    """The pids of control, the edges and the agent, as far as they are there now."""
    done = platform.lambent("status", "--format", "json", "--data", str(platform.server.data))
    if done.returncode != 0:
        return []
    found = json.loads(done.stdout)["parts"]
    return [each["pid"] for each in (found["control"], *found["edges"], found["agent"]) if each["pid"]]


def counted(platform: "Platform", url: str) -> int:
    """How many messages are in a queue, hidden ones included; -1 when nobody answers."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    try:
        found = platform.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    except (BotoCoreError, ClientError):
        return -1
    return sum(int(found[name]) for name in names)


def witnessed(platform: "Platform", url: str) -> Counter[int]:
    """How often each number was seen by a batch that succeeded."""
    sqs, seen = platform.client("sqs"), Counter[int]()
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            seen.update(json.loads(message["Body"]))
        entries = [{"Id": each["MessageId"], "ReceiptHandle": each["ReceiptHandle"]} for each in messages]
        sqs.delete_message_batch(QueueUrl=url, Entries=entries)
    return seen


@pytest.mark.slow
def test_no_message_is_lost_or_deleted_unseen_while_every_part_is_killed_at_random(
    own_server: Callable[..., "Platform"], eventually: Callable[..., Any]
) -> None:
    platform, seed = own_server("--edges", "2"), uuid.uuid4().hex
    chance = random.Random(seed)
    sqs, lambda_ = platform.client("sqs"), platform.client("lambda")
    url = sqs.create_queue(QueueName="work", Attributes={"VisibilityTimeout": "6"})["QueueUrl"]
    out = sqs.create_queue(QueueName="out")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    name = platform.create(WITNESS.format(out=out), Timeout=5)

    def send(start: int) -> int:
        entries = [{"Id": str(n), "MessageBody": str(n)} for n in range(start, start + 10)]
        return len(sqs.send_message_batch(QueueUrl=url, Entries=entries)["Successful"])

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(send, range(0, MESSAGES, 10))) == MESSAGES
    lambda_.create_event_source_mapping(EventSourceArn=arn, FunctionName=name, BatchSize=10)
    killed = 0
    while killed < KILLS and counted(platform, url) != 0:
        threading.Event().wait(chance.uniform(0.3, 1.2))
        if alive := parts(platform):
            with contextlib.suppress(ProcessLookupError):
                os.kill(chance.choice(alive), signal.SIGKILL)
                killed += 1
    eventually(lambda: counted(platform, url) == 0, limit_s=240.0)
    seen = witnessed(platform, out)
    missing = set(range(MESSAGES)) - set(seen)
    assert not missing, f"{len(missing)} messages were deleted and never seen (seed {seed}): {sorted(missing)[:10]}"
    assert killed >= 3, "the queue was empty too soon for the test to say anything"


def test_a_restart_leaves_no_message_to_its_visibility_timeout(
    own_server: Callable[..., "Platform"], eventually: Callable[..., Any]
) -> None:
    platform = own_server()
    sqs, lambda_ = platform.client("sqs"), platform.client("lambda")
    url = sqs.create_queue(QueueName="work", Attributes={"VisibilityTimeout": "600"})["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    name = platform.create("import time\ndef handler(event, context):\n    time.sleep(0.5)\n")
    for number in range(40):
        sqs.send_message(QueueUrl=url, MessageBody=str(number))
    lambda_.create_event_source_mapping(EventSourceArn=arn, FunctionName=name, BatchSize=1)
    eventually(lambda: counted(platform, url) < 36)
    assert platform.server.stop() == 0
    again = own_server()
    eventually(lambda: counted(again, f"{again.endpoint}/000000000000/work") == 0, limit_s=240.0)
