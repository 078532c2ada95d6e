"""Moving dead letters, as work inside a transaction: some messages of a task, and what is noted of it.

A moved message is a new one: another id, another sent time, no receives. It goes to the task's destination, or to the
queue that it came from.

Source: SQS Developer Guide, "Learn how to configure a dead-letter queue redrive".
"""

from collections.abc import Callable, Mapping

import msgspec
from msgspec import Struct

from lambent.services.sqs import groups
from lambent.services.sqs.census import Change
from lambent.services.sqs.model import Content, decode_content, encode_content
from lambent.services.sqs.store import SQL
from lambent.services.sqs.taking import delete
from lambent.store.api import Row, Transaction

NO_QUEUE = "AWS.SimpleQueueService.NonExistentQueue"
NO_SOURCE = "CouldNotDetermineMessageSource"


class Goal(Struct, frozen=True):
    """A lane that messages may be moved to."""

    lane: int
    fifo: bool


class Task(Struct, frozen=True):
    """A move task as its loop needs it. `destination_arn` is empty for "where each came from", `per_second` 0 for
    as fast as possible; what came after `last_message` stays."""

    handle: str
    source_arn: str
    destination_arn: str
    per_second: int
    last_message: int


class Step(Struct, frozen=True):
    """One step of a task: from which lane, how many, to which queues by their ARNs."""

    task: Task
    lane: int
    goals: Mapping[str, Goal]
    most: int
    now_ms: int
    next_id: Callable[[], int]
    new_name: Callable[[], str]


class Moved:
    """What a step has done: the source's changes, those of each goal's lane, and whether it was the last step."""

    def __init__(self) -> None:
        self.left: list[Change] = []
        self.arrived: dict[int, list[Change]] = {}
        self.freed = 0
        self.over = False


def move_some(tx: Transaction, step: Step) -> Moved:
    """Move up to `step.most` visible messages, and note it; the last step notes how the task ended."""
    moved = Moved()
    status = tx.one(SQL.status_of_task, handle=step.task.handle)
    if status is None or status["status"] != "RUNNING":
        return _finish(tx, step, moved, "CANCELLED", "")
    rows = tx.all(SQL.oldest_of_lane, lane=step.lane, now_ms=step.now_ms, last=step.task.last_message, limit=step.most)
    touched = set()
    for row in rows:
        content = decode_content(row["content"])
        arn = step.task.destination_arn or content.dead_letter_source
        goal = step.goals.get(arn)
        if goal is None:
            _finish(tx, step, moved, "FAILED", NO_QUEUE if arn else NO_SOURCE)
            break
        _move(tx, step, row, content, goal)
        touched.add(row["group_id"])
        moved.left.append(Change(was_ms=row["visible_ms"], was_received=row["receives"] > 0))
        moved.arrived.setdefault(goal.lane, []).append(Change(is_ms=step.now_ms))
    moved.freed = sum(groups.refresh(tx, group, step.now_ms) for group in touched)
    tx.run(SQL.task_moved, handle=step.task.handle, moved=len(moved.left))
    return moved if rows or moved.over else _finish(tx, step, moved, "COMPLETED", "")


def _move(tx: Transaction, step: Step, row: Row, content: Content, goal: Goal) -> None:
    number = step.next_id()
    fresh = msgspec.structs.replace(content, message_id=step.new_name(), dead_letter_source="")
    delete(tx, row["id"])
    tx.run(
        SQL.add_message,
        id=number,
        lane=goal.lane,
        visible_ms=step.now_ms,
        sent_ms=step.now_ms,
        receives_before=0,
        first_received_ms=0,
        group_id=groups.joined(tx, goal.lane, content.group, step.now_ms) if goal.fifo else None,
    )
    tx.run(SQL.add_content, id=number, content=encode_content(fresh))


def _finish(tx: Transaction, step: Step, moved: Moved, status: str, failure: str) -> Moved:
    tx.run(SQL.finish_task, handle=step.task.handle, status=status, failure=failure)
    moved.over = True
    return moved
