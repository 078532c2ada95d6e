"""FIFO queues: order, groups, deduplication, receive attempts. Source: SQS Developer Guide, "FIFO queues"."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from lambent.clock import FakeClock
from lambent.config import Quotas


async def fifo(sqs: Any, **attributes: str) -> Any:
    return await sqs.queue(**{"FifoQueue": "true", "ContentBasedDeduplication": "true", **attributes})


async def send(sqs: Any, url: str, group: str, *bodies: str) -> None:
    for body in bodies:
        await sqs.send(url, body, MessageGroupId=group)


async def test_a_group_is_held_while_any_of_its_messages_is_out(sqs: Any) -> None:
    url = await fifo(sqs)
    await send(sqs, url, "g", "1", "2", "3")
    first, second = await sqs.take(url, 2)
    await send(sqs, url, "h", "other")
    assert await sqs.bodies(url) == ["other"]
    await sqs.delete(url, first)
    assert await sqs.bodies(url) == []
    await sqs.delete(url, second)
    assert await sqs.bodies(url) == ["3"]


async def test_a_message_that_failed_comes_again_before_those_behind_it(sqs: Any, clock: FakeClock) -> None:
    url = await fifo(sqs, VisibilityTimeout="10")
    await send(sqs, url, "g", "1", "2")
    assert await sqs.bodies(url, 1) == ["1"]
    await clock.advance(10)
    assert await sqs.bodies(url, 1) == ["1"]
    await clock.advance(10)
    assert await sqs.bodies(url) == ["1", "2"]


async def test_a_release_of_one_of_two_keeps_the_group_until_the_other_is_back(sqs: Any, clock: FakeClock) -> None:
    url = await fifo(sqs, VisibilityTimeout="10")
    await send(sqs, url, "g", "1", "2", "3")
    first, _ = await sqs.take(url, 2)
    handle = first["ReceiptHandle"]
    await sqs("ChangeMessageVisibility", QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)
    assert await sqs.bodies(url) == []
    await clock.advance(10)
    assert await sqs.bodies(url) == ["1", "2", "3"]


async def test_a_deletion_wakes_who_waits_for_the_group(sqs: Any, clock: FakeClock) -> None:
    url = await fifo(sqs)
    await send(sqs, url, "g", "1", "2")
    (first,) = await sqs.take(url, 1)
    waiting = asyncio.create_task(sqs.bodies(url, WaitTimeSeconds=20))
    await clock.advance(1)
    assert not waiting.done()
    await sqs.delete(url, first)
    assert await waiting == ["2"]


async def test_a_handle_whose_timeout_has_ended_deletes_nothing(sqs: Any, clock: FakeClock) -> None:
    url = await fifo(sqs, VisibilityTimeout="1")
    await send(sqs, url, "g", "1")
    (message,) = await sqs.take(url)
    await clock.advance(1)
    code, words = await sqs.refusal("DeleteMessage", QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert (code, words) == (
        "InvalidParameterValue",
        f"Value {message['ReceiptHandle']} for parameter ReceiptHandle is invalid. "
        "Reason: The receipt handle has expired.",
    )
    assert await sqs.counts(url) == (1, 0, 0)


async def test_a_message_sent_twice_within_five_minutes_is_kept_once(sqs: Any, clock: FakeClock) -> None:
    url = await fifo(sqs)
    first = await sqs.send(url, "same", MessageGroupId="g")
    (message,) = await sqs.take(url)
    await sqs.delete(url, message)
    await clock.advance(299)
    assert await sqs.send(url, "same", MessageGroupId="other") == first
    assert await sqs.counts(url) == (0, 0, 0)
    await clock.advance(1)
    third = await sqs.send(url, "same", MessageGroupId="g")
    assert third["MessageId"] != first["MessageId"]
    assert int(third["SequenceNumber"]) > int(first["SequenceNumber"])
    assert len(first["SequenceNumber"]) == 20


async def test_deduplication_is_remembered_over_a_restart(sqs: Any, reopen: Callable[..., Awaitable[Any]]) -> None:
    url = await fifo(sqs)
    first = await sqs.send(url, "same", MessageGroupId="g")
    again = await reopen()
    assert await again.send(url, "same", MessageGroupId="g") == first
    assert await again.counts(url) == (1, 0, 0)


async def test_deduplication_can_be_the_groups_own(sqs: Any) -> None:
    url = await fifo(sqs, DeduplicationScope="messageGroup", FifoThroughputLimit="perMessageGroupId")
    await send(sqs, url, "a", "same")
    await send(sqs, url, "b", "same")
    await send(sqs, url, "b", "same")
    assert await sqs.counts(url) == (2, 0, 0)


async def test_an_attempt_id_gives_the_same_messages_and_handles_again(sqs: Any, clock: FakeClock) -> None:
    url = await fifo(sqs, VisibilityTimeout="10")
    await send(sqs, url, "g", "1", "2", "3")
    first = await sqs.take(url, 2, ReceiveRequestAttemptId="try")
    await clock.advance(9)
    assert await sqs.take(url, 2, ReceiveRequestAttemptId="try") == first
    await clock.advance(9)
    assert await sqs.bodies(url) == []  # the timeout began anew
    await sqs.delete(url, first[0])
    assert await sqs.take(url, 2, ReceiveRequestAttemptId="try") == []
    await clock.advance(1)
    assert await sqs.bodies(url) == ["2", "3"]


async def test_a_new_delay_of_the_queue_holds_for_what_is_in_it(sqs: Any, clock: FakeClock) -> None:
    url = await fifo(sqs, DelaySeconds="60")
    await send(sqs, url, "g", "1", "2")
    assert await sqs.counts(url) == (0, 0, 2)
    waiting = asyncio.create_task(sqs.bodies(url, WaitTimeSeconds=20))
    await clock.advance(5)
    await sqs("SetQueueAttributes", QueueUrl=url, Attributes={"DelaySeconds": "10"})
    await clock.advance(4.9)
    assert not waiting.done()
    await clock.advance(0.2)
    assert await waiting == ["1", "2"]


async def test_a_poisoned_message_leaves_its_group_for_the_dead_letter_queue(sqs: Any, clock: FakeClock) -> None:
    dead = await sqs.queue("dead", FifoQueue="true")
    policy = {"deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:dead.fifo", "maxReceiveCount": 1}
    url = await fifo(sqs, VisibilityTimeout="1", RedrivePolicy=json.dumps(policy))
    await send(sqs, url, "g", "poison", "good")
    assert await sqs.bodies(url, 1) == ["poison"]
    await clock.advance(1)
    assert await sqs.bodies(url, 1) == ["good"]
    (message,) = await sqs.take(dead)
    assert message["Attributes"]["MessageGroupId"] == "g"
    assert message["Attributes"]["DeadLetterQueueSourceArn"].endswith(":q.fifo")


async def test_many_messages_behind_a_held_group_do_not_hide_the_others(sqs: Any) -> None:
    url = await fifo(sqs)
    await send(sqs, url, "held", *[f"held {number}" for number in range(50)])
    await sqs.take(url, 1)
    await send(sqs, url, "free", "free")
    assert await sqs.bodies(url, 10) == ["free"]


async def test_a_fifo_queue_is_called_so_often_a_second_and_high_throughput_counts_groups(
    reopen: Callable[..., Awaitable[Any]], clock: FakeClock
) -> None:
    sqs = await reopen(Quotas(queue_fifo_calls_per_s=2))
    url = await fifo(sqs)
    await send(sqs, url, "a", "1", "2")
    await sqs.take(url)
    assert (await sqs.refusal("SendMessage", QueueUrl=url, MessageBody="3", MessageGroupId="b"))[
        0
    ] == "RequestThrottled"
    await clock.advance(1)
    high = {"DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"}
    await sqs("SetQueueAttributes", QueueUrl=url, Attributes=high)
    await send(sqs, url, "a", "3", "4")
    await send(sqs, url, "b", "5", "6")
    code, _ = await sqs.refusal("SendMessage", QueueUrl=url, MessageBody="7", MessageGroupId="b")
    assert code == "RequestThrottled"
    await sqs.service.close()
