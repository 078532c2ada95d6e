"""Receiving, as work inside a transaction: what is taken, what has expired, what goes to the dead-letter queue.

The messages taken are committed as hidden before anybody sees them, so that a platform that dies gives none of them to
a second receiver before its timeout has ended. A message that was received as often as its queue's redrive policy
allows is not taken but moved; one that has outlived its retention is deleted.

Source: SQS Developer Guide, "Visibility timeout", "Using dead-letter queues" (the count that exceeds maxReceiveCount
moves it; standard queues keep the enqueue time when they do, FIFO queues begin it anew).
"""

from collections.abc import Callable

import msgspec
from msgspec import Struct

from lambent.services.sqs import groups
from lambent.services.sqs.census import Change
from lambent.services.sqs.model import Received, decode_content, encode_content
from lambent.services.sqs.store import SQL
from lambent.store.api import Row, Transaction

ATTEMPT_MS = 300_000
ROUNDS = 20  # how often one receive looks again after all it found was expired or moved


class Target(Struct, frozen=True):
    """Where messages are moved to. `source_arn` is remembered as DeadLetterQueueSourceArn."""

    lane: int
    fifo: bool
    source_arn: str


class Order(Struct, frozen=True):
    """What a receiver wants of a lane, now. `expired_ms`: what was sent before that is too old."""

    lane: int
    fifo: bool
    most: int
    now_ms: int
    visibility_ms: int
    expired_ms: int
    max_receives: int
    dead: Target | None
    next_id: Callable[[], int]
    queue_id: int = 0
    attempt_id: str = ""


class Taken:
    """What came of it: the messages, and the changes of both lanes."""

    def __init__(self) -> None:
        self.messages: list[Received] = []
        self.changes: list[Change] = []
        self.dead_changes: list[Change] = []
        self.freed = 0


def take(tx: Transaction, order: Order) -> Taken:
    """Take up to `order.most` messages."""
    taken = _again(tx, order) if order.attempt_id else Taken()
    if taken.messages:
        return taken
    look = _look_at_groups if order.fifo else _look
    for _ in range(ROUNDS):
        removed = look(tx, order, taken)
        if not removed or not order.visibility_ms or len(taken.messages) >= order.most:
            break
    if order.attempt_id and taken.messages:
        _remember(tx, order, taken.messages)
    return taken


def _again(tx: Transaction, order: Order) -> Taken:
    """The messages of an earlier receive with this attempt id, hidden anew under the same handles; none when any of
    them was deleted, or has had its visibility changed or ended."""
    taken = Taken()
    row = tx.one(SQL.attempt, queue_id=order.queue_id, attempt_id=order.attempt_id, now_ms=order.now_ms)
    if row is None:
        return taken
    before = msgspec.json.decode(row["received"], type=list[tuple[int, int, int]])
    rows = [tx.one(SQL.whole_message, id=message) for message, _, _ in before]
    as_they_were = [
        row
        for row, (_, receives, visible_ms) in zip(rows, before, strict=True)
        if row is not None
        and (row["lane"], row["receives"], row["visible_ms"]) == (order.lane, receives, visible_ms)
        and visible_ms > order.now_ms
    ]
    if len(as_they_were) < len(before):
        return taken
    until_ms = order.now_ms + order.visibility_ms
    for row in as_they_were:
        tx.run(SQL.set_visibility, id=row["id"], visible_ms=until_ms)
        taken.changes.append(Change(row["visible_ms"], True, until_ms, True))
        taken.messages.append(_received(row, row["receives"], row["first_received_ms"], until_ms))
    for group in {row["group_id"] for row in as_they_were}:
        taken.freed += groups.refresh(tx, group, order.now_ms)
    _remember(tx, order, taken.messages)
    return taken


def _remember(tx: Transaction, order: Order, messages: list[Received]) -> None:
    received = [(each.id, each.receives, each.visible_ms) for each in messages]
    tx.run(
        SQL.remember_attempt,
        queue_id=order.queue_id,
        attempt_id=order.attempt_id,
        expires_ms=order.now_ms + ATTEMPT_MS,
        received=msgspec.json.encode(received).decode(),
    )


def _received(row: Row, receives: int, first_ms: int, until_ms: int) -> Received:
    return Received(
        row["id"],
        receives,
        receives + row["receives_before"],
        row["sent_ms"],
        first_ms,
        until_ms,
        decode_content(row["content"]),
    )


def _look(tx: Transaction, order: Order, taken: Taken) -> int:
    wanted = order.most - len(taken.messages)
    rows = tx.all(SQL.visible_messages, lane=order.lane, now_ms=order.now_ms, limit=wanted)
    kept = [row for row in rows if not _removed(tx, row, order, taken)]
    _hide(tx, kept, order, taken)
    return len(rows) - len(kept)


def _look_at_groups(tx: Transaction, order: Order, taken: Taken) -> int:
    removed = 0
    wanted = order.most - len(taken.messages)
    for group in tx.all(SQL.ready_groups, lane=order.lane, now_ms=order.now_ms, limit=wanted):
        rows = tx.all(SQL.messages_of_group, group_id=group["id"], limit=order.most - len(taken.messages))
        ready = [row for row in rows if row["visible_ms"] <= order.now_ms]
        kept = [row for row in ready if not _removed(tx, row, order, taken)]
        _hide(tx, kept, order, taken)
        removed += len(ready) - len(kept)
        taken.freed += groups.refresh(tx, group["id"], order.now_ms)
        if len(taken.messages) >= order.most:
            break
    return removed


def _removed(tx: Transaction, row: Row, order: Order, taken: Taken) -> bool:
    left = Change(was_ms=row["visible_ms"], was_received=row["receives"] > 0)
    if row["sent_ms"] < order.expired_ms:
        delete(tx, row["id"])
    elif order.dead is not None and row["receives"] >= order.max_receives:
        sent_ms = order.now_ms if order.fifo else row["sent_ms"]
        move(tx, row, order.dead, order.next_id(), now_ms=order.now_ms, sent_ms=sent_ms)
        taken.dead_changes.append(Change(is_ms=order.now_ms))
    else:
        return False
    taken.changes.append(left)
    return True


def _hide(tx: Transaction, rows: list[Row], order: Order, taken: Taken) -> None:
    until_ms = order.now_ms + order.visibility_ms
    updates = []
    for row in rows:
        receives = row["receives"] + 1
        first_ms = row["first_received_ms"] or order.now_ms
        updates.append(
            {
                "id": row["id"],
                "visible_ms": until_ms,
                "receives": receives,
                "first_received_ms": first_ms,
                "received_ms": order.now_ms,
            }
        )
        taken.changes.append(Change(row["visible_ms"], row["receives"] > 0, until_ms, True))
        taken.messages.append(_received(row, receives, first_ms, until_ms))
    tx.run_many(SQL.take, updates)


def delete(tx: Transaction, message: int) -> None:
    """Delete both rows of a message."""
    tx.run(SQL.delete_message, id=message)
    tx.run(SQL.delete_content, id=message)


def move(tx: Transaction, row: Row, target: Target, new_id: int, *, now_ms: int, sent_ms: int) -> None:
    """Give a message to a dead-letter queue, at once visible there, last in its group."""
    content = decode_content(row["content"])
    content = msgspec.structs.replace(content, dead_letter_source=target.source_arn)
    delete(tx, row["id"])
    tx.run(
        SQL.add_message,
        id=new_id,
        lane=target.lane,
        visible_ms=now_ms,
        sent_ms=sent_ms,
        receives_before=row["receives"] + row["receives_before"],
        first_received_ms=row["first_received_ms"],
        group_id=groups.joined(tx, target.lane, content.group, now_ms) if target.fifo else None,
    )
    tx.run(SQL.add_content, id=new_id, content=encode_content(content))
