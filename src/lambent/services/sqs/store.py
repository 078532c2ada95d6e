"""The SQL of SQS's queues, as functions over a transaction, and what an opening reads."""

from collections.abc import Mapping

import msgspec

from lambent.services.sqs.attributes import settings_of
from lambent.services.sqs.census import Census
from lambent.services.sqs.model import Queue
from lambent.services.sqs.names import QueueKey
from lambent.store.api import Row, Transaction
from lambent.store.sql import load_queries

SQL = load_queries("lambent.services.sqs")


def queue_of(row: Row) -> Queue:
    attributes = msgspec.json.decode(row["attributes"], type=dict[str, str])
    return Queue(
        id=row["id"],
        key=QueueKey(row["account"], row["region"], row["name"]),
        lane=row["lane"],
        handle_key=row["handle_key"],
        created_s=row["created_s"],
        modified_s=row["modified_s"],
        purged_ms=row["purged_ms"],
        attributes=attributes,
        tags=msgspec.json.decode(row["tags"], type=dict[str, str]),
        settings=settings_of(attributes),
    )


def as_json(texts: Mapping[str, str]) -> str:
    return msgspec.json.encode(texts).decode()


def add_lane(tx: Transaction) -> int:
    row = tx.one(SQL.add_lane)
    assert row is not None
    return int(row["id"])


def all_queues(tx: Transaction, now_ms: int) -> tuple[list[tuple[Queue, Census]], int]:
    """Every queue with its counts, and the highest id that a message ever had."""
    totals = {row["lane"]: row["total"] for row in tx.all(SQL.messages_by_lane)}
    found = []
    for queue in map(queue_of, tx.all(SQL.queues)):
        found.append((queue, _census_of(tx, queue.lane, totals.get(queue.lane, 0), now_ms)))
    last = tx.one(SQL.last_message)
    return found, int(last["id"]) if last is not None else 0


def oldest_ms(tx: Transaction, lane: int) -> int | None:
    """When the oldest message of a lane was sent."""
    row = tx.one(SQL.oldest_message, lane=lane)
    return None if row is None else int(row["sent_ms"])


def _census_of(tx: Transaction, lane: int, total: int, now_ms: int) -> Census:
    census = Census()
    census.settle(now_ms)
    for row in tx.all(SQL.hidden_messages, lane=lane, now_ms=now_ms):
        census.add(row["visible_ms"], bool(row["received"]), row["total"])
        total -= row["total"]
    census.add(now_ms, False, total)
    return census
