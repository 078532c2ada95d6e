"""Visibility, delay, long polling, counts, dead letters, retention. Sources: SQS API reference and Developer Guide."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from lambent.clock import FakeClock
from lambent.config import Quotas


async def test_a_message_is_hidden_for_its_visibility_timeout_and_then_comes_back(sqs: Any, clock: FakeClock) -> None:
    url = await sqs.queue(VisibilityTimeout="30")
    await sqs.send(url, "a")
    (first,) = await sqs.take(url)
    assert await sqs.counts(url) == (0, 1, 0)
    await clock.advance(29.999)
    assert await sqs.take(url) == []
    await clock.advance(0.001)
    assert await sqs.counts(url) == (1, 0, 0)
    (second,) = await sqs.take(url)
    assert second["MessageId"] == first["MessageId"]
    assert second["ReceiptHandle"] != first["ReceiptHandle"]
    assert second["Attributes"]["ApproximateReceiveCount"] == "2"
    assert second["Attributes"]["ApproximateFirstReceiveTimestamp"] == "1800000000000"


async def test_an_old_handle_of_a_standard_queue_deletes_nothing(sqs: Any, clock: FakeClock) -> None:
    url = await sqs.queue(VisibilityTimeout="1")
    await sqs.send(url, "a")
    (old,) = await sqs.take(url)
    await clock.advance(1)
    (new,) = await sqs.take(url)
    await sqs.delete(url, old)
    assert await sqs.counts(url) == (0, 1, 0)
    await sqs.delete(url, new)
    assert await sqs.counts(url) == (0, 0, 0)
    await sqs.delete(url, new)


async def test_the_latest_handle_deletes_even_after_its_timeout(sqs: Any, clock: FakeClock) -> None:
    url = await sqs.queue(VisibilityTimeout="1")
    await sqs.send(url, "a")
    (message,) = await sqs.take(url)
    await clock.advance(5)
    await sqs.delete(url, message)
    assert await sqs.counts(url) == (0, 0, 0)


async def test_visibility_can_be_prolonged_and_ended(sqs: Any, clock: FakeClock) -> None:
    url = await sqs.queue()
    await sqs.send(url, "a")
    (message,) = await sqs.take(url)
    handle = message["ReceiptHandle"]
    await clock.advance(20)
    await sqs("ChangeMessageVisibility", QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=60)
    await clock.advance(59)
    assert await sqs.take(url) == []
    await sqs("ChangeMessageVisibility", QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)
    assert await sqs.bodies(url) == ["a"]
    refused = await sqs.refusal("ChangeMessageVisibility", QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=1)
    assert refused[0] == "InvalidParameterValue"


async def test_visibility_ends_twelve_hours_after_the_receive(sqs: Any, clock: FakeClock) -> None:
    url = await sqs.queue(VisibilityTimeout="43200")
    await sqs.send(url, "a")
    (message,) = await sqs.take(url)
    change = {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]}
    await clock.advance(10)
    refused = await sqs.refusal("ChangeMessageVisibility", **change, VisibilityTimeout=43_191)
    assert "beyond the limit [43200 seconds]" in refused[1]
    await sqs("ChangeMessageVisibility", **change, VisibilityTimeout=43_190)


async def test_a_visible_message_has_no_visibility_to_change(sqs: Any, clock: FakeClock) -> None:
    url = await sqs.queue(VisibilityTimeout="1")
    await sqs.send(url, "a")
    (message,) = await sqs.take(url)
    await clock.advance(1)
    handle = message["ReceiptHandle"]
    refused = await sqs.refusal("ChangeMessageVisibility", QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=9)
    assert refused[0] == "MessageNotInflight"


async def test_a_delay_of_the_queue_or_of_the_message_holds_it_back(sqs: Any, clock: FakeClock) -> None:
    url = await sqs.queue(DelaySeconds="10")
    await sqs.send(url, "queue's")
    await sqs.send(url, "own", DelaySeconds=5)
    await sqs.send(url, "none", DelaySeconds=0)
    assert await sqs.counts(url) == (1, 0, 2)
    assert await sqs.bodies(url) == ["none"]
    await clock.advance(5)
    assert await sqs.bodies(url) == ["own"]
    await clock.advance(5)
    assert await sqs.bodies(url) == ["queue's"]


async def test_a_long_poll_wakes_at_a_send_at_a_release_and_at_the_end_of_a_timeout(sqs: Any, clock: FakeClock) -> None:
    url = await sqs.queue(VisibilityTimeout="10")
    waiting = asyncio.create_task(sqs.take(url, WaitTimeSeconds=20))
    await clock.advance(3)
    assert not waiting.done()
    await sqs.send(url, "a")
    (message,) = await waiting

    waiting = asyncio.create_task(sqs.take(url, WaitTimeSeconds=20))
    await clock.advance(1)
    handle = message["ReceiptHandle"]
    await sqs("ChangeMessageVisibility", QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)
    (message,) = await waiting

    waiting = asyncio.create_task(sqs.take(url, WaitTimeSeconds=20))
    await clock.advance(10)
    (message,) = await waiting
    assert message["Attributes"]["ApproximateReceiveCount"] == "3"


async def test_a_long_poll_ends_empty_when_its_time_is_up(sqs: Any, clock: FakeClock) -> None:
    url = await sqs.queue(ReceiveMessageWaitTimeSeconds="5")
    waiting = asyncio.create_task(sqs.take(url))
    await clock.advance(4.9)
    assert not waiting.done()
    await clock.advance(0.2)
    assert await waiting == []


async def test_one_message_goes_to_one_of_many_who_wait(sqs: Any, clock: FakeClock) -> None:
    url = await sqs.queue(VisibilityTimeout="100")
    waiting = [asyncio.create_task(sqs.take(url, WaitTimeSeconds=20)) for _ in range(50)]
    await clock.advance(1)
    for number in range(20):
        await sqs.send(url, str(number))
    await clock.advance(20)
    found = [message["Body"] for answer in await asyncio.gather(*waiting) for message in answer]
    assert sorted(found, key=int) == [str(number) for number in range(20)]


async def test_a_poll_that_goes_away_leaves_its_wake_up_to_the_next(sqs: Any, clock: FakeClock) -> None:
    url = await sqs.queue()
    first = asyncio.create_task(sqs.take(url, WaitTimeSeconds=20))
    await clock.advance(0)
    second = asyncio.create_task(sqs.take(url, WaitTimeSeconds=20))
    await clock.advance(0)
    first.cancel()
    await clock.advance(0)
    await sqs.send(url, "a")
    assert [message["Body"] for message in await second] == ["a"]


async def test_what_was_received_too_often_goes_to_the_dead_letter_queue(sqs: Any, clock: FakeClock) -> None:
    dead = await sqs.queue("dead")
    policy = {"deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:dead", "maxReceiveCount": 2}
    url = await sqs.queue(VisibilityTimeout="1", RedrivePolicy=json.dumps(policy))
    sent = await sqs.send(url, "poison", MessageAttributes={"a": {"DataType": "String", "StringValue": "b"}})
    await sqs.send(url, "good", DelaySeconds=3)
    for _ in range(2):
        assert await sqs.bodies(url) == ["poison"]
        await clock.advance(1)
    await clock.advance(1)
    assert await sqs.bodies(url) == ["good"]
    (message,) = await sqs.take(dead)
    assert message["MessageId"] == sent["MessageId"]
    assert message["Attributes"]["DeadLetterQueueSourceArn"] == "arn:aws:sqs:us-east-1:000000000000:q"
    assert message["Attributes"]["ApproximateReceiveCount"] == "3"
    assert message["Attributes"]["SentTimestamp"] == "1800000000000"
    assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    assert (await sqs("ListDeadLetterSourceQueues", QueueUrl=dead))["queueUrls"] == [url]


async def test_a_long_poll_at_the_dead_letter_queue_wakes(sqs: Any, clock: FakeClock) -> None:
    dead = await sqs.queue("dead")
    policy = {"deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:dead", "maxReceiveCount": "1"}
    url = await sqs.queue(VisibilityTimeout="1", RedrivePolicy=json.dumps(policy))
    await sqs.send(url, "a")
    waiting = asyncio.create_task(sqs.bodies(dead, WaitTimeSeconds=20))
    await sqs.take(url)
    await clock.advance(1)
    assert await sqs.take(url) == []
    assert await waiting == ["a"]


async def test_messages_are_deleted_when_their_retention_ends(sqs: Any, clock: FakeClock) -> None:
    url = await sqs.queue(MessageRetentionPeriod="60")
    await sqs.send(url, "old")
    await clock.advance(30)
    await sqs.send(url, "new")
    await clock.advance(30.1)
    assert await sqs.bodies(url, VisibilityTimeout=1) == ["new"]
    await clock.advance(30)
    await sqs.service.sweep()
    assert await sqs.counts(url) == (0, 0, 0)


async def test_a_purge_takes_everything_and_can_be_repeated_after_a_minute(sqs: Any, clock: FakeClock) -> None:
    url = await sqs.queue()
    for number in range(3):
        await sqs.send(url, str(number), DelaySeconds=number)
    await sqs.take(url, 1)
    await sqs("PurgeQueue", QueueUrl=url)
    assert await sqs.counts(url) == (0, 0, 0)
    await sqs.send(url, "after")
    await sqs.service.sweep()
    code, words = await sqs.refusal("PurgeQueue", QueueUrl=url)
    assert (code, words) == (
        "PurgeQueueInProgress",
        "Only one PurgeQueue operation on q is allowed every 60 seconds.",
    )
    assert await sqs.bodies(url) == ["after"]
    await clock.advance(60)
    await sqs("PurgeQueue", QueueUrl=url)


async def test_counts_visibility_and_handles_are_there_after_a_restart(
    sqs: Any, clock: FakeClock, reopen: Callable[..., Awaitable[Any]]
) -> None:
    url = await sqs.queue()
    for number in range(4):
        await sqs.send(url, str(number))
    await sqs.send(url, "later", DelaySeconds=60)
    taken = await sqs.take(url, 2)
    again = await reopen()
    assert await again.counts(url) == (2, 2, 1)
    await again.delete(url, taken[0])
    assert await again.counts(url) == (2, 1, 1)
    await clock.advance(60)
    assert await again.counts(url) == (4, 0, 0)


async def test_no_more_than_the_quota_may_be_in_flight(reopen: Callable[..., Awaitable[Any]], clock: FakeClock) -> None:
    sqs = await reopen(Quotas(queue_in_flight=3))
    url = await sqs.queue()
    for number in range(5):
        await sqs.send(url, str(number))
    taken = await sqs.take(url, 10)
    assert len(taken) == 3
    assert (await sqs.refusal("ReceiveMessage", QueueUrl=url))[0] == "OverLimit"
    await sqs.delete(url, taken[0])
    assert len(await sqs.take(url, 10)) == 1
    waiting = asyncio.create_task(sqs.take(url, 10, WaitTimeSeconds=20))
    await clock.advance(1)
    assert not waiting.done()
    await sqs.delete(url, taken[1])
    assert len(await waiting) == 1
    await sqs.service.close()


async def test_a_waiting_poll_ends_when_its_queue_is_deleted(sqs: Any, clock: FakeClock) -> None:
    url = await sqs.queue()
    waiting = asyncio.create_task(sqs.take(url, WaitTimeSeconds=20))
    await clock.advance(1)
    await sqs("DeleteQueue", QueueUrl=url)
    assert await waiting == []
