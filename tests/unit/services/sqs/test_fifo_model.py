"""FIFO order and at-least-once delivery held against the simplest model there is, by any sequence of steps.

The model of a group is a list in the order of sending and the set of those that are out. Source: SQS Developer Guide,
"FIFO queue delivery logic": a group's messages come in order, and none while one of them is out.
"""

import asyncio
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from lambent.clock import FakeClock
from lambent.config import Quotas
from lambent.ids import FakeIds
from lambent.model.principal import Principal
from lambent.services.operation import RequestContext
from lambent.services.sqs.api import PACKAGE, SqsService, open_sqs
from lambent.store.memory import open_memory
from lambent.store.sql import load_schema

GROUPS = ("a", "b", "c")
TIMEOUT_S = 30
CONTEXT = RequestContext(Principal("0" * 12, "arn:aws:iam::000000000000:root", "0" * 12), "0" * 12, "us-east-1", "r")


class FifoQueue(RuleBasedStateMachine):
    """One queue and its model; the service is opened anew at any moment."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.clock = FakeClock()
        self.waiting: dict[str, list[str]] = {group: [] for group in GROUPS}
        self.out: dict[str, tuple[str, str, float]] = {}  # body -> group, handle, until
        self.sent = 0
        self.database = self.do(open_memory_of_sqs())
        self.service: SqsService = self.do(open_sqs(self.database, self.clock, FakeIds(), Quotas()))
        attributes = {"FifoQueue": "true", "VisibilityTimeout": str(TIMEOUT_S)}
        self.url = self.call("CreateQueue", QueueName="q.fifo", Attributes=attributes)["QueueUrl"]

    def do(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    def call(self, name: str, **request: Any) -> Any:
        return self.do(self.service.operations[name](CONTEXT, request))

    @rule(group=st.sampled_from(GROUPS), count=st.integers(1, 3))
    def send(self, group: str, count: int) -> None:
        for _ in range(count):
            self.sent += 1
            body = str(self.sent)
            self.call(
                "SendMessage", QueueUrl=self.url, MessageBody=body, MessageGroupId=group, MessageDeduplicationId=body
            )
            self.waiting[group].append(body)

    @rule(most=st.integers(1, 10))
    def receive(self, most: int) -> None:
        held = {group for group, _, _ in self.out.values()}
        answer = self.call(
            "ReceiveMessage",
            QueueUrl=self.url,
            MaxNumberOfMessages=most,
            MessageSystemAttributeNames=["MessageGroupId"],
        )
        found: dict[str, list[str]] = {}
        for message in answer.get("Messages", []):
            group = message["Attributes"]["MessageGroupId"]
            found.setdefault(group, []).append(message["Body"])
            self.out[message["Body"]] = group, message["ReceiptHandle"], self.clock.now_s() + TIMEOUT_S
        assert not held & found.keys()
        for group, bodies in found.items():
            assert bodies == self.waiting[group][: len(bodies)]
        free = sum(len(bodies) for group, bodies in self.waiting.items() if group not in held)
        assert sum(map(len, found.values())) == min(most, free)

    @rule(pick=st.integers(0, 100))
    def delete(self, pick: int) -> None:
        if self.out:
            body = sorted(self.out)[pick % len(self.out)]
            group, handle, _ = self.out.pop(body)
            self.call("DeleteMessage", QueueUrl=self.url, ReceiptHandle=handle)
            self.waiting[group].remove(body)

    @rule(pick=st.integers(0, 100), seconds=st.sampled_from([0, 5, 60]))
    def change_visibility(self, pick: int, seconds: int) -> None:
        if self.out:
            body = sorted(self.out)[pick % len(self.out)]
            group, handle, _ = self.out[body]
            self.call("ChangeMessageVisibility", QueueUrl=self.url, ReceiptHandle=handle, VisibilityTimeout=seconds)
            self.out[body] = group, handle, self.clock.now_s() + seconds
            self.expire()

    @rule(seconds=st.sampled_from([1.0, 10.0, 45.0]))
    def pass_time(self, seconds: float) -> None:
        self.do(self.clock.advance(seconds))
        self.expire()

    @rule()
    def restart(self) -> None:
        self.do(self.service.close())
        self.service = self.do(open_sqs(self.database, self.clock, FakeIds(), Quotas()))

    def expire(self) -> None:
        now_s = self.clock.now_s()
        self.out = {body: facts for body, facts in self.out.items() if facts[2] > now_s}

    @invariant()
    def the_counts_are_exact(self) -> None:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.call("GetQueueAttributes", QueueUrl=self.url, AttributeNames=names)["Attributes"]
        total = sum(map(len, self.waiting.values()))
        assert found == {names[0]: str(total - len(self.out)), names[1]: str(len(self.out))}

    def teardown(self) -> None:
        self.do(self.service.close())
        self.do(self.database.close())
        self.loop.close()


async def open_memory_of_sqs() -> Any:
    return await open_memory(load_schema(PACKAGE))


FifoQueue.TestCase.settings = settings(max_examples=40, stateful_step_count=30)
TestFifoQueue = FifoQueue.TestCase
