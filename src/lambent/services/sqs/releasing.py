"""Deleting messages and changing their visibility, as work inside a transaction.

A receipt handle is worth something only while it is of the message's latest receive. Old ones: a standard queue
answers their deletion and deletes nothing, a FIFO queue refuses it.

Sources: SQS API reference, DeleteMessage and ChangeMessageVisibility; the words as the service gives them.
"""

from collections.abc import Sequence

from msgspec import Struct

from lambent.errors import ServiceError
from lambent.services.sqs import groups
from lambent.services.sqs.census import Change
from lambent.services.sqs.errors import MessageNotInflight, invalid
from lambent.services.sqs.store import SQL
from lambent.services.sqs.taking import delete
from lambent.store.api import Row, Transaction

LONGEST_MS = 43_200_000


class Held(Struct, frozen=True):
    """A message and the number of its receive, as its handle says; for how many seconds it is to be hidden."""

    handle: str
    message: int
    receives: int
    seconds: int = 0


class Released:
    """What came of it: for each message an error or None, and the changes of the lane."""

    def __init__(self) -> None:
        self.results: list[ServiceError | None] = []
        self.changes: list[Change] = []
        self.freed = 0


def delete_held(tx: Transaction, lane: int, fifo: bool, held: Sequence[Held], now_ms: int) -> Released:
    """Delete the messages of these handles."""
    done = Released()
    touched: set[int | None] = set()
    for each in held:
        row = tx.one(SQL.message, id=each.message)
        done.results.append(_refusal_to_delete(row, each, fifo, now_ms))
        if row is None or row["lane"] != lane or row["receives"] != each.receives or done.results[-1] is not None:
            continue
        delete(tx, each.message)
        done.changes.append(Change(was_ms=row["visible_ms"], was_received=True))
        touched.add(row["group_id"])
    done.freed = sum(groups.refresh(tx, group, now_ms) for group in touched)
    return done


def change_held(tx: Transaction, lane: int, held: Sequence[Held], now_ms: int) -> Released:
    """Hide the messages of these handles for so many seconds from now."""
    done = Released()
    touched: set[int | None] = set()
    for each in held:
        row = tx.one(SQL.message, id=each.message)
        until_ms = now_ms + each.seconds * 1000
        error = _refusal_to_change(row, lane, each, until_ms, now_ms)
        done.results.append(error)
        if row is None or error is not None:
            continue
        tx.run(SQL.set_visibility, id=each.message, visible_ms=until_ms)
        done.changes.append(Change(row["visible_ms"], True, until_ms, True))
        touched.add(row["group_id"])
    done.freed = sum(groups.refresh(tx, group, now_ms) for group in touched)
    return done


def _refusal_to_delete(row: Row | None, held: Held, fifo: bool, now_ms: int) -> ServiceError | None:
    if row is None or not fifo or (row["receives"] == held.receives and row["visible_ms"] > now_ms):
        return None
    return invalid("ReceiptHandle", held.handle, "The receipt handle has expired.")


def _refusal_to_change(row: Row | None, lane: int, held: Held, until_ms: int, now_ms: int) -> ServiceError | None:
    if row is None or row["lane"] != lane or row["receives"] != held.receives:
        reason = "Message does not exist or is not available for visibility timeout change."
        return invalid("ReceiptHandle", held.handle, reason)
    if row["visible_ms"] <= now_ms:
        return MessageNotInflight("The message referred to isn't in flight.")
    if until_ms - row["received_ms"] > LONGEST_MS:
        reason = "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]"
        return invalid("VisibilityTimeout", held.seconds, reason)
    return None
