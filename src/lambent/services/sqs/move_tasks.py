"""StartMessageMoveTask, CancelMessageMoveTask, ListMessageMoveTasks: dead letters go back.

A task moves the messages that were in its source when it began, in small works, at most as many a second as asked
for. What it has done is committed with each work, so that a platform that restarts goes on where it stopped.

Source: SQS API reference, each of them; the words as the service gives them.
"""

import asyncio
from base64 import b64encode
from typing import Any

import msgspec

from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.services.sqs.broker import Broker, Live
from lambent.services.sqs.errors import InvalidParameterValue, QueueDoesNotExist, ResourceNotFound, invalid
from lambent.services.sqs.moving import NO_QUEUE, Goal, Moved, Step, Task, move_some
from lambent.services.sqs.names import key_of_arn
from lambent.services.sqs.store import SQL
from lambent.store.api import Row, StoreFailed, Transaction

MOST_A_SECOND = 500
MOST_LISTED = 10
AT_ONCE = 100
RETRY_S = 5.0


class MoveTasks:
    """The tasks; each that is not over has a loop of its own, owned by `run`."""

    def __init__(self, broker: Broker) -> None:
        self._broker, self._clock = broker, broker.clock
        self._new: asyncio.Queue[Task] = asyncio.Queue()

    @operation("StartMessageMoveTask")
    async def start_message_move_task(self, ctx: RequestContext, request: Request) -> Answer:
        """Begin to move the messages of a dead-letter queue."""
        source_arn, destination_arn = request["SourceArn"], request.get("DestinationArn") or ""
        per_second = request.get("MaxNumberOfMessagesPerSecond")
        if per_second is not None and not 1 <= per_second <= MOST_A_SECOND:
            raise invalid("MaxNumberOfMessagesPerSecond", per_second, f"Must be between 1 and {MOST_A_SECOND}.")
        source = self._own(ctx, source_arn, "source")
        if not any(_dead_letters_of(live) == source_arn for live in self._broker):
            raise InvalidParameterValue("Source queue must be configured as a Dead Letter Queue.")
        if destination_arn:
            destination = self._own(ctx, destination_arn, "destination")
            if destination is source or destination.queue.settings.fifo != source.queue.settings.fifo:
                raise InvalidParameterValue(
                    "The destination queue must be another queue, and of the same type as the source queue."
                )
        task = Task(
            handle=_handle(self._broker.ids.uuid(), source_arn),
            source_arn=source_arn,
            destination_arn=destination_arn,
            per_second=per_second or 0,
            last_message=self._broker.next_id(),
        )
        waiting, now_ms = source.line.counts().visible, self._clock.now_ms()
        await self._broker.commit(lambda tx: _add(tx, ctx, task, waiting, now_ms), lambda _: self._new.put_nowait(task))
        return {"TaskHandle": task.handle}

    @operation("CancelMessageMoveTask")
    async def cancel_message_move_task(self, ctx: RequestContext, request: Request) -> Answer:
        """Let a task end after what it is moving now."""
        moved = await self._broker.commit(lambda tx: _cancel(tx, ctx, request["TaskHandle"]))
        return {"ApproximateNumberOfMessagesMoved": moved}

    @operation("ListMessageMoveTasks")
    async def list_message_move_tasks(self, ctx: RequestContext, request: Request) -> Answer:
        """The newest tasks of a source, up to ten."""
        limit = request.get("MaxResults")
        if limit is not None and not 1 <= limit <= MOST_LISTED:
            raise invalid("MaxResults", limit, f"Must be between 1 and {MOST_LISTED}.")
        source = self._own(ctx, request["SourceArn"], "source")
        rows = await self._broker.database.read(
            lambda tx: tx.all(SQL.tasks_of_source, source_arn=source.queue.arn, limit=limit or 1)
        )
        return {"Results": [_told(row) for row in rows]}

    async def run(self) -> None:
        """Go on with the tasks that are not over, and do those that come, until cancelled."""
        rows = await self._broker.database.read(lambda tx: tx.all(SQL.unfinished_tasks))
        known = {row["handle"] for row in rows}
        async with asyncio.TaskGroup() as loops:
            for row in rows:
                loops.create_task(self._do(Task(**row)))
            while True:
                task = await self._new.get()
                if task.handle not in known:
                    loops.create_task(self._do(task))

    async def _do(self, task: Task) -> None:
        at_once = min(AT_ONCE, task.per_second or AT_ONCE)
        while True:
            try:
                if await self._step(task, at_once):
                    return
            except StoreFailed:  # the disk refuses: what was moved is noted, so that trying again is right
                await self._clock.sleep(RETRY_S)
            if task.per_second:
                await self._clock.sleep(at_once / task.per_second)

    async def _step(self, task: Task, at_once: int) -> bool:
        """Move some messages; whether that was the end."""
        source = self._broker.get(key_of_arn(task.source_arn))
        if source is None:
            await self._broker.commit(
                lambda tx: tx.run(SQL.finish_task, handle=task.handle, status="FAILED", failure=NO_QUEUE)
            )
            return True
        here = {live.queue.arn: live for live in self._broker if _same_place(live, source)}
        goals = {arn: Goal(live.queue.lane, live.queue.settings.fifo) for arn, live in here.items()}
        lines = {live.queue.lane: (live.line, live.line.census) for live in here.values()}
        census = source.line.census
        step = Step(
            task, source.queue.lane, goals, at_once, self._clock.now_ms(), self._broker.next_id, self._broker.ids.uuid
        )

        def follow(moved: Moved) -> None:
            source.line.tell(census, moved.left, moved.freed)
            for lane, changes in moved.arrived.items():
                line, goal_census = lines[lane]
                line.tell(goal_census, changes)

        return (await self._broker.commit(lambda tx: move_some(tx, step), follow)).over

    def _own(self, ctx: RequestContext, arn: str, what: str) -> Live:
        """A queue of the caller's account and Region. Raises ResourceNotFound."""
        try:
            key = key_of_arn(arn)
        except QueueDoesNotExist:
            raise invalid(
                "SourceArn" if what == "source" else "DestinationArn", arn, "Not the ARN of a queue."
            ) from None
        live = self._broker.get(key)
        if live is None or (key.account, key.region) != (ctx.account, ctx.region):
            raise ResourceNotFound(f"The resource that you specified for the {what} queue doesn't exist.")
        return live


def _add(tx: Transaction, ctx: RequestContext, task: Task, waiting: int, now_ms: int) -> None:
    if tx.one(SQL.unfinished_task_of_source, source_arn=task.source_arn) is not None:
        raise InvalidParameterValue(
            "There is already a task running. Only one active task is allowed for a source queue arn at a given time."
        )
    facts = msgspec.structs.asdict(task)
    tx.run(SQL.add_task, account=ctx.account, region=ctx.region, started_ms=now_ms, to_move=waiting, **facts)
    tx.run(SQL.forget_tasks, source_arn=task.source_arn)


def _cancel(tx: Transaction, ctx: RequestContext, handle: str) -> int:
    row = tx.one(SQL.task, handle=handle, account=ctx.account, region=ctx.region)
    if row is None:
        raise ResourceNotFound("Task does not exist.")
    if row["status"] != "RUNNING":
        raise InvalidParameterValue("Only active tasks can be cancelled.")
    tx.run(SQL.cancel_task, handle=handle)
    return int(row["moved"])


def _told(row: Row) -> dict[str, Any]:
    """A task as ListMessageMoveTasks shows it: its handle only while it can be cancelled."""
    task: dict[str, Any] = {
        "Status": row["status"],
        "SourceArn": row["source_arn"],
        "ApproximateNumberOfMessagesMoved": row["moved"],
        "ApproximateNumberOfMessagesToMove": row["to_move"],
        "StartedTimestamp": row["started_ms"],
    }
    if row["status"] == "RUNNING":
        task["TaskHandle"] = row["handle"]
    if row["destination_arn"]:
        task["DestinationArn"] = row["destination_arn"]
    if row["per_second"]:
        task["MaxNumberOfMessagesPerSecond"] = row["per_second"]
    if row["failure"]:
        task["FailureReason"] = row["failure"]
    return task


def _handle(name: str, source_arn: str) -> str:
    return b64encode(msgspec.json.encode({"taskId": name, "sourceArn": source_arn})).decode()


def _dead_letters_of(live: Live) -> str:
    redrive = live.queue.settings.redrive
    return redrive.target_arn if redrive is not None else ""


def _same_place(live: Live, other: Live) -> bool:
    one, two = live.queue.key, other.queue.key
    return (one.account, one.region) == (two.account, two.region)
