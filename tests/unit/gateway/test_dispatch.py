"""Requests that take long to read hold up nobody but who sent them.

Source: DynamoDB Developer Guide, "Constraints" (a request is at most 16 MB).
"""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from lambent.clock import FakeClock
from lambent.gateway.dispatch import LONGEST_BYTES, Dispatcher
from lambent.model.http import HttpRequest, HttpResponse
from lambent.model.messages import Forwarded
from lambent.model.principal import Principal

AT_ONCE = 1  # turns that others have while a request is read in the loop
ROOT = Principal("000000000000", "arn:aws:iam::000000000000:root", "r")


class Lab:
    """A dispatcher that counts how often others had their turn while a request was read."""

    def __init__(self) -> None:
        self.operations = {"sqs": {"SendMessageBatch": self.take}, "cloudwatch": {"PutMetricData": self.take}}
        self.dispatcher = Dispatcher(self.operations, FakeClock())
        self.taken: list[Any] = []
        self.turns = 0

    async def take(self, _: Any, request: Any) -> dict[str, Any]:
        self.taken.append(request)
        return {"Successful": [], "Failed": []} if "Entries" in request else {}

    async def answer(self, service: str, target: str, body: bytes, *more: tuple[str, str]) -> HttpResponse:
        headers = [("x-amz-target", target), ("content-type", "application/x-amz-json-1.0"), *more]
        request = HttpRequest("POST", "/", "", headers, body)
        asked = asyncio.ensure_future(
            self.dispatcher.answer(Forwarded(request, ROOT, service, "us-east-1", "r", "http://h", ""))
        )
        while not asked.done():
            self.turns += 1
            await asyncio.sleep(0)
        return asked.result()


@pytest.fixture
async def lab() -> AsyncIterator[Lab]:
    made = Lab()
    yield made
    made.dispatcher.close()


def batch(count: int) -> bytes:
    return json.dumps({"QueueUrl": "q", "Entries": [{"Id": "i", "MessageBody": "m"}] * count}).encode()


async def test_a_long_request_is_read_while_others_have_their_turns(lab: Lab) -> None:
    assert (await lab.answer("sqs", "AmazonSQS.SendMessageBatch", batch(1))).status == 200
    assert lab.turns == AT_ONCE
    lab.turns = 0
    assert (await lab.answer("sqs", "AmazonSQS.SendMessageBatch", batch(100_000))).status == 200
    assert len(lab.taken[1]["Entries"]) == 100_000
    assert lab.turns > AT_ONCE


async def test_a_short_request_that_is_long_when_unpacked_is_read_so_too(lab: Lab) -> None:
    body = gzip.compress(
        json.dumps({"Namespace": "n", "MetricData": [{"MetricName": "m", "Value": 1.0}] * 1_000}).encode()
    )
    target, packed = "GraniteServiceVersion20100801.PutMetricData", ("content-encoding", "gzip")
    assert (await lab.answer("cloudwatch", target, body, packed)).status == 200
    assert len(lab.taken[0]["MetricData"]) == 1_000
    assert lab.turns > AT_ONCE


async def test_a_request_that_is_longer_than_any_service_takes_is_not_read(lab: Lab) -> None:
    answer = await lab.answer("sqs", "AmazonSQS.SendMessageBatch", bytes(LONGEST_BYTES + 1))
    assert answer.status == 413
    assert b"Request must be smaller than 16777216 bytes" in answer.body
    assert not lab.taken
