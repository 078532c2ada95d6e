"""Every part is killed at random while items are written and their changes run through a function: every change has to
reach it, and each item's changes in their order.

Source of the promise: issue "Objects and tables", item 3; DESIGN.md, tenet 2.
"""

import contextlib
import itertools
import json
import os
import random
import signal
import threading
import uuid
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

ITEMS = 6
KILLED = ["control", "control", "edge", "agent"]
# Says what it has seen, durably, and only then succeeds. Half of the batches fail, so there is always one to lose.
WITNESS = """
import json, os, random, boto3
from botocore.config import Config
sqs = boto3.client("sqs", config=Config(retries={"total_max_attempts": 1}, read_timeout=3, connect_timeout=1))
def handler(event, context):
    if random.random() < 0.5:
        raise RuntimeError("an unlucky batch")
    seen = [(each["dynamodb"]["Keys"]["id"]["S"], int(each["dynamodb"]["NewImage"]["n"]["N"]),
             each["dynamodb"]["SequenceNumber"]) for each in event["Records"]]
    unlike = {"MessageGroupId": "one", "MessageDeduplicationId": context.aws_request_id}
    sqs.send_message(QueueUrl=os.environ["OUT"], MessageBody=json.dumps(seen), **unlike)
"""
Seen = tuple[str, int, str]


def kill(platform: "Platform", part: str) -> None:
    """The control, an edge or the agent, if it is there now: what the supervisor has started by that name."""
    pid = platform.server.process.pid
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        with contextlib.suppress(OSError):
            if Path(f"/proc/{child}/cmdline").read_text().startswith(f"lambent {part} "):
                os.kill(int(child), signal.SIGKILL)
                return


def write(platform: "Platform", item: int, acknowledged: list[tuple[int, int]], over: threading.Event) -> None:
    """The item's numbers, one after the other, each until it is acknowledged."""
    client = platform.client("dynamodb", read_timeout=5)
    for number in itertools.count():
        while True:
            with contextlib.suppress(BotoCoreError, ClientError):
                client.put_item(TableName="work", Item={"id": {"S": str(item)}, "n": {"N": str(number)}})
                break
            threading.Event().wait(0.05)
        acknowledged.append((item, number))
        if over.wait(0.05):
            return


def witnessed(platform: "Platform", url: str) -> list[list[Seen]]:
    """What batches that succeeded have seen; deleted from the queue."""
    sqs, seen = platform.client("sqs"), []
    with contextlib.suppress(BotoCoreError, ClientError):
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                seen.append([(key, number, sequence) for key, number, sequence in json.loads(message["Body"])])
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return seen


def in_order(batches: list[list[Seen]]) -> bool:
    """Whether each item's changes were first seen in their order: nothing was skipped and run later."""
    first: dict[str, list[str]] = defaultdict(list)
    for batch in batches:
        for key, _, sequence in batch:
            if sequence not in first[key]:
                first[key].append(sequence)
    return all(sequences == sorted(sequences) for sequences in first.values())


@pytest.mark.slow
def test_every_change_reaches_the_function_in_order_while_every_part_is_killed_at_random(
    own_server: Callable[..., "Platform"], eventually: Callable[..., Any]
) -> None:
    platform, seed = own_server("--edges", "2"), uuid.uuid4().hex
    chance = random.Random(seed)
    lambda_ = platform.client("lambda")
    stream = platform.client("dynamodb").create_table(
        TableName="work",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )["TableDescription"]["LatestStreamArn"]
    # FIFO, so that what it holds is in the order in which batches succeeded.
    out = platform.client("sqs").create_queue(QueueName="out.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    name = platform.create(WITNESS, Timeout=5, Environment={"Variables": {"OUT": out}})
    lambda_.create_event_source_mapping(
        EventSourceArn=stream, FunctionName=name, BatchSize=10, ParallelizationFactor=3, StartingPosition="TRIM_HORIZON"
    )
    acknowledged: list[tuple[int, int]] = []
    over = threading.Event()
    with ThreadPoolExecutor(ITEMS) as pool:
        writers = [pool.submit(write, platform, item, acknowledged, over) for item in range(ITEMS)]
        for part in chance.sample(KILLED, len(KILLED)):
            wanted = len(acknowledged) + chance.randrange(20, 60)
            eventually(lambda wanted=wanted: len(acknowledged) >= wanted, limit_s=240.0)
            kill(platform, part)
        over.set()
        for writer in writers:
            writer.result()
    batches: list[list[Seen]] = []

    def complete() -> bool:
        batches.extend(witnessed(platform, out))
        return {(int(key), number) for batch in batches for key, number, _ in batch} >= set(acknowledged)

    eventually(complete, limit_s=240.0)
    assert in_order(batches), f"changes of an item were run out of their order (seed {seed})"
