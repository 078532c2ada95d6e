"""FIFO groups as work inside a transaction: which group's turn it is, and until when a group is held.

While messages of a group are out, the group is held; its next message comes when all that are out were deleted or have
become visible again, the earliest first. `message_group.ready_ms` says when that is, so that a million messages behind
a held group cost a receiver nothing. Groups whose turn it is are served in the order in which they became ready.

Source: SQS Developer Guide, "FIFO queue delivery logic".
"""

from lambent.services.sqs.store import SQL
from lambent.store.api import Transaction


def joined(tx: Transaction, lane: int, name: str, visible_ms: int) -> int:
    """The group that a new message of this name enters; made if it has no messages yet."""
    row = tx.one(SQL.group_by_name, lane=lane, name=name)
    if row is None:
        row = tx.one(SQL.add_group, lane=lane, name=name, ready_ms=visible_ms)
    assert row is not None
    return int(row["id"])


def refresh(tx: Transaction, group: int | None, now_ms: int) -> int:
    """Note when the group may be taken from, after its messages changed; 1 when that is now, else 0."""
    if group is None:
        return 0
    head = tx.one(SQL.head_of_group, group_id=group)
    if head is None:
        tx.run(SQL.delete_group, group_id=group)
        return 0
    held = tx.one(SQL.group_held_until, group_id=group)
    held_ms = held["visible_ms"] if held is not None and held["visible_ms"] is not None else 0
    ready_ms = max(head["visible_ms"], held_ms)
    tx.run(SQL.set_group, group_id=group, ready_ms=ready_ms)
    return int(ready_ms <= now_ms)
