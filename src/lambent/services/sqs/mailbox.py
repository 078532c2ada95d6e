"""What can be done with the messages of a queue, for the operations and for Lambent's other services alike.

Takes and gives values that were checked; knows policies of queues, not of callers.
"""

import asyncio
from collections.abc import Callable, Sequence

import msgspec
from msgspec import Struct

from lambent.errors import ServiceError
from lambent.services.sqs.broker import Broker, Live
from lambent.services.sqs.census import Change
from lambent.services.sqs.errors import OverLimit
from lambent.services.sqs.handles import make_handle, read_handle
from lambent.services.sqs.line import Line
from lambent.services.sqs.metrics import measure, measure_received, measure_sent
from lambent.services.sqs.model import Outgoing, Received, Sent
from lambent.services.sqs.names import key_of_arn
from lambent.services.sqs.putting import Place, put
from lambent.services.sqs.releasing import Held, Released, change_held, delete_held
from lambent.services.sqs.taking import Order, Taken, Target, take
from lambent.store.api import Transaction

Work = Callable[[Transaction], Released]


class Wish(Struct, frozen=True):
    """What a receiver asks for. None stands for the queue's own settings."""

    most: int = 1
    visibility_s: int | None = None
    wait_s: float | None = None
    attempt_id: str = ""


class Mailbox:
    """Send, receive, delete, change visibility."""

    def __init__(self, broker: Broker) -> None:
        self._broker, self._clock = broker, broker.clock

    async def send(self, live: Live, messages: Sequence[Outgoing]) -> list[Sent]:
        """Put messages into a queue; they are on disk when this returns."""
        queue, census = live.queue, live.line.census
        place = Place(
            queue.id, queue.lane, queue.settings.fifo, queue.settings.delay_s, queue.settings.group_deduplication
        )
        now_ms, next_id = self._clock.now_ms(), self._broker.next_id

        def follow(done: tuple[list[Sent], list[int]]) -> None:
            live.line.tell(census, [Change(is_ms=visible_ms) for visible_ms in done[1]])

        sent, _ = await self._broker.commit(lambda tx: put(tx, place, messages, now_ms, next_id), follow)
        measure_sent(self._broker, queue, messages)
        return sent

    async def receive(self, live: Live, wish: Wish) -> list[Received]:
        """Take messages, waiting for the first as long as the wish or the queue says; an empty list in the end."""
        wait_s = live.queue.settings.wait_s if wish.wait_s is None else wish.wait_s
        deadline_s = self._clock.monotonic_s() + wait_s
        line = live.line
        while True:
            line.settle()
            version = line.version
            received = await self._look(live, wish, polls=wait_s > 0)
            if received or line.closed or wait_s <= 0:
                measure_received(self._broker, live.queue, len(received))
                return received
            if line.version != version:
                continue
            if not await self._wait(line, deadline_s):
                measure_received(self._broker, live.queue, 0)
                return []

    async def wait(self, live: Live, version: int, wait_s: float) -> None:
        """Wait until something has become visible since the line had that version, or the time is up."""
        live.line.settle()
        if live.line.version == version:
            await self._wait(live.line, self._clock.monotonic_s() + wait_s)

    async def delete(self, live: Live, handles: Sequence[str]) -> list[ServiceError | None]:
        """Delete messages by their handles; what was refused, in order."""
        queue, now_ms = live.queue, self._clock.now_ms()
        held, errors = _read(queue.handle_key, [(handle, 0) for handle in handles])
        done = await self._release(live, lambda tx: delete_held(tx, queue.lane, queue.settings.fifo, held, now_ms))
        results = _merged(errors, done)
        if gone := results.count(None):
            measure(self._broker, queue, {"NumberOfMessagesDeleted": float(gone)})
        return results

    async def change_visibility(self, live: Live, changes: Sequence[tuple[str, int]]) -> list[ServiceError | None]:
        """Hide messages for so many seconds from now; what was refused, in order."""
        queue, now_ms = live.queue, self._clock.now_ms()
        held, errors = _read(queue.handle_key, changes)
        done = await self._release(live, lambda tx: change_held(tx, queue.lane, held, now_ms))
        return _merged(errors, done)

    async def _release(self, live: Live, work: Work) -> Released:
        census, limit = live.line.census, self._broker.quotas.queue_in_flight

        def follow(done: Released) -> None:
            was_full = census.counts.in_flight >= limit  # then there is room now for who waits
            live.line.tell(census, done.changes, done.freed + (len(done.changes) if was_full else 0))

        return await self._broker.commit(work, follow)

    async def _look(self, live: Live, wish: Wish, *, polls: bool) -> list[Received]:
        queue, counts = live.queue, live.line.counts()
        if not counts.visible and not wish.attempt_id:
            return []
        room = self._broker.quotas.queue_in_flight - counts.in_flight
        if room <= 0:
            if queue.settings.fifo or polls:
                return []
            raise OverLimit(
                f"The maximum number of in flight messages is reached. Maximum: {self._broker.quotas.queue_in_flight}."
            )
        dead = self.dead_letters(live)
        order = self._order(live, wish, min(wish.most, room), dead)
        census, dead_census = live.line.census, dead.line.census if dead is not None else None

        def follow(taken: Taken) -> None:
            live.line.tell(census, taken.changes, taken.freed)
            if dead is not None and dead_census is not None and taken.dead_changes:
                dead.line.tell(dead_census, taken.dead_changes)

        taken = await self._broker.commit(lambda tx: take(tx, order), follow)
        key = queue.handle_key
        return [
            msgspec.structs.replace(each, handle=make_handle(key, each.id, each.receives)) for each in taken.messages
        ]

    def _order(self, live: Live, wish: Wish, most: int, dead: Live | None) -> Order:
        queue, settings, now_ms = live.queue, live.queue.settings, self._clock.now_ms()
        visibility_s = settings.visibility_s if wish.visibility_s is None else wish.visibility_s
        target = None
        if dead is not None:
            target = Target(dead.queue.lane, dead.queue.settings.fifo, queue.arn)
        return Order(
            lane=queue.lane,
            fifo=settings.fifo,
            most=most,
            now_ms=now_ms,
            visibility_ms=visibility_s * 1000,
            expired_ms=now_ms - settings.retention_s * 1000,
            max_receives=settings.redrive.max_receives if settings.redrive is not None else 0,
            dead=target,
            next_id=self._broker.next_id,
            queue_id=queue.id,
            attempt_id=wish.attempt_id,
        )

    def dead_letters(self, live: Live) -> Live | None:
        """Where this queue's messages go that were received too often: a queue that is there and takes them."""
        redrive = live.queue.settings.redrive
        target = self._broker.get(key_of_arn(redrive.target_arn)) if redrive is not None else None
        if target is None or not target.queue.settings.redrive_allow.allows(live.queue.arn):
            return None
        return target

    async def _wait(self, line: Line, deadline_s: float) -> bool:
        """Wait for something to look at; False when the time is up, or nobody may wait any longer."""
        left_s = deadline_s - self._clock.monotonic_s()
        if left_s <= 0 or line.closed:
            return False
        waiter = line.join()
        timer = asyncio.get_running_loop().create_task(self._clock.sleep(left_s))
        told = False
        try:
            await asyncio.wait((waiter, timer), return_when=asyncio.FIRST_COMPLETED)
            told = waiter.done()
        finally:
            timer.cancel()
            if not told:
                line.leave(waiter)
        return told and waiter.result()


def _read(key: bytes, wanted: Sequence[tuple[str, int]]) -> tuple[list[Held], list[ServiceError | None]]:
    """The good handles, and for each handle an error or None."""
    held: list[Held] = []
    errors: list[ServiceError | None] = []
    for handle, seconds in wanted:
        try:
            held.append(Held(handle, *read_handle(key, handle), seconds))
            errors.append(None)
        except ServiceError as error:
            errors.append(error)
    return held, errors


def _merged(errors: list[ServiceError | None], done: Released) -> list[ServiceError | None]:
    """The errors of all, in order: those of the handles, and for good handles those of the work."""
    results = iter(done.results)
    return [error if error is not None else next(results, None) for error in errors]
