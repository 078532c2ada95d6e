"""Message move tasks. Source: SQS API reference, StartMessageMoveTask and its neighbours."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from lambent.clock import FakeClock

DEAD = "arn:aws:sqs:us-east-1:000000000000:dead"


@pytest.fixture
async def queues(sqs: Any, clock: FakeClock) -> AsyncIterator[tuple[Any, Any, Any]]:
    """A dead-letter queue with five messages, and the queue that they came from; move tasks are being done."""
    dead = await sqs.queue("dead")
    policy = {"deadLetterTargetArn": DEAD, "maxReceiveCount": 1}
    url = await sqs.queue(VisibilityTimeout="1", RedrivePolicy=json.dumps(policy))
    for number in range(5):
        await sqs.send(url, str(number))
    await sqs.take(url)
    await clock.advance(1)
    assert await sqs.take(url) == []
    running = asyncio.create_task(sqs.service.run())
    await clock.advance(0)
    yield dead, url, running
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def tasks(sqs: Any, limit: int = 1) -> Any:
    return (await sqs("ListMessageMoveTasks", SourceArn=DEAD, MaxResults=limit))["Results"]


async def test_dead_letters_go_back_to_where_they_came_from_as_new_messages(
    sqs: Any, queues: Any, clock: FakeClock, eventually: Any
) -> None:
    dead, url, _ = queues
    (before,) = await sqs.take(dead, 1, VisibilityTimeout=0)
    await sqs("StartMessageMoveTask", SourceArn=DEAD)
    await eventually(clock, lambda: sqs.counts(url), (5, 0, 0))

    async def outcome() -> Any:
        (task,) = await tasks(sqs)
        return task["Status"], task["ApproximateNumberOfMessagesMoved"], "TaskHandle" in task

    await eventually(clock, outcome, ("COMPLETED", 5, False))
    assert await sqs.counts(dead) == (0, 0, 0)
    messages = await sqs.take(url)
    assert {message["Attributes"]["ApproximateReceiveCount"] for message in messages} == {"1"}
    assert before["MessageId"] not in {message["MessageId"] for message in messages}
    assert all("DeadLetterQueueSourceArn" not in message["Attributes"] for message in messages)


async def test_a_task_keeps_its_pace_and_can_be_cancelled(
    sqs: Any, queues: Any, clock: FakeClock, eventually: Any
) -> None:
    _, url, _ = queues
    other = await sqs.queue("other")
    arn = "arn:aws:sqs:us-east-1:000000000000:other"
    handle = (await sqs("StartMessageMoveTask", SourceArn=DEAD, DestinationArn=arn, MaxNumberOfMessagesPerSecond=1))[
        "TaskHandle"
    ]
    code, words = await sqs.refusal("StartMessageMoveTask", SourceArn=DEAD)
    assert code == "InvalidParameterValue"
    assert "already a task running" in words
    await eventually(clock, lambda: sqs.counts(other), (1, 0, 0))
    await clock.advance(1)
    await eventually(clock, lambda: sqs.counts(other), (2, 0, 0))
    assert (await tasks(sqs))[0]["TaskHandle"] == handle
    assert (await sqs("CancelMessageMoveTask", TaskHandle=handle)) == {"ApproximateNumberOfMessagesMoved": 2}
    await clock.advance(2)

    async def status() -> str:
        return str((await tasks(sqs))[0]["Status"])

    await eventually(clock, status, "CANCELLED")
    assert await sqs.counts(other) == (2, 0, 0)
    assert await sqs.counts(url) == (0, 0, 0)
    assert (await sqs.refusal("CancelMessageMoveTask", TaskHandle=handle))[0] == "InvalidParameterValue"


async def test_a_task_goes_on_after_a_restart(
    sqs: Any, queues: Any, clock: FakeClock, reopen: Callable[..., Awaitable[Any]], eventually: Any
) -> None:
    await sqs("StartMessageMoveTask", SourceArn=DEAD, MaxNumberOfMessagesPerSecond=1)
    await eventually(clock, lambda: sqs.counts(queues[1]), (1, 0, 0))
    queues[2].cancel()
    again = await reopen()
    running = asyncio.create_task(again.service.run())
    for moved in range(2, 6):
        await eventually(clock, lambda: again.counts(queues[1]), (moved, 0, 0))
        await clock.advance(1)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_what_cannot_be_moved_is_refused(sqs: Any, queues: Any) -> None:
    nobody = "arn:aws:sqs:us-east-1:000000000000:nobody"
    assert (await sqs.refusal("StartMessageMoveTask", SourceArn=nobody))[0] == "ResourceNotFoundException"
    own = "arn:aws:sqs:us-east-1:000000000000:q"
    assert await sqs.refusal("StartMessageMoveTask", SourceArn=own) == (
        "InvalidParameterValue",
        "Source queue must be configured as a Dead Letter Queue.",
    )
    assert (await sqs.refusal("CancelMessageMoveTask", TaskHandle="x"))[0] == "ResourceNotFoundException"
    assert (await sqs.refusal("StartMessageMoveTask", SourceArn=DEAD, MaxNumberOfMessagesPerSecond=501))[
        0
    ] == "InvalidParameterValue"
