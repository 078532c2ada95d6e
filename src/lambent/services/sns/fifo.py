"""FIFO topics: one message after the other, numbered, and within five minutes each only once.

The messages of a topic are accepted one call at a time. They are numbered in one commit, given to delivery in a
second, remembered in a third. A crash in between repeats a message that was not acknowledged, under the same
deduplication id, which FIFO queues know; none is lost.

Source: SNS Developer Guide, "Message deduplication for FIFO topics", "Message ordering details for FIFO topics",
"High throughput FIFO topics" (FifoThroughputScope).
"""

import asyncio
from collections.abc import Sequence
from weakref import WeakValueDictionary

from msgspec import structs

from lambent.services.sns import store
from lambent.services.sns.model import FIRST_SEQUENCE, Message, Topic
from lambent.services.sns.names import TopicKey
from lambent.services.sns.resource import Shop
from lambent.services.sns.routing import View
from lambent.services.sns.store import SQL
from lambent.store.api import Transaction

INTERVAL_MS = 300_000


class Fifo:
    """Accepts the messages of FIFO topics."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._locks: WeakValueDictionary[TopicKey, asyncio.Lock] = WeakValueDictionary()

    async def accept(self, view: View, messages: Sequence[Message]) -> list[Message]:
        """The messages as their publishers are told of them: a repeated one under its first id and number."""
        lock = self._locks.setdefault(view.topic.key, asyncio.Lock())
        async with lock:
            now_ms = self._shop.clock.now_ms()
            told, fresh = await self._shop.database.write(lambda tx: _numbered(tx, view.topic, messages, now_ms))
            signer = self._shop.links.signer
            await self._shop.links.outbox.put([each for one in fresh for each in view.deliveries(one, signer)])
            await self._shop.database.write(lambda tx: _remember(tx, view.topic, fresh, now_ms))
        return told


def _numbered(
    tx: Transaction, topic: Topic, messages: Sequence[Message], now_ms: int
) -> tuple[list[Message], list[Message]]:
    """All messages with their numbers, and those among them that are new."""
    known: dict[tuple[str, str], Message] = {}
    told: list[Message] = []
    fresh: list[Message] = []
    number = FIRST_SEQUENCE + store.advance(tx, topic, len(messages))
    for message in messages:
        name = _scope(topic, message), message.deduplication_id
        before = store.duplicate(tx, topic, *name, now_ms)
        if before is not None:
            known.setdefault(name, structs.replace(message, id=before[0], sequence=FIRST_SEQUENCE + before[1]))
        if name not in known:
            known[name] = structs.replace(message, sequence=number)
            fresh.append(known[name])
            number += 1
        told.append(known[name])
    return told, fresh


def _remember(tx: Transaction, topic: Topic, fresh: Sequence[Message], now_ms: int) -> None:
    tx.run(SQL.forget_expired, now_ms=now_ms)
    if store.find_topic(tx, topic.key) is None:
        return
    tx.run_many(
        SQL.remember,
        [
            {
                "topic_id": topic.id,
                "scope": _scope(topic, message),
                "deduplication_id": message.deduplication_id,
                "message_id": message.id,
                "sequence": message.sequence - FIRST_SEQUENCE,
                "expires_ms": now_ms + INTERVAL_MS,
            }
            for message in fresh
        ],
    )


def _scope(topic: Topic, message: Message) -> str:
    return message.group if topic.attributes.get("FifoThroughputScope") == "MessageGroup" else ""
