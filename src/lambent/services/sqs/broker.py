"""The queues that are alive, and the one way to change what is in them.

The database is the truth. Memory holds each queue's record, the counts of its messages and who waits for one; all of
it is read once, at opening, and then follows each commit. `commit` runs a work in the store's next transaction and
afterwards `follow` on the event loop, in the order of the commits, even when the caller has gone away meanwhile.
"""

import asyncio
import itertools
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

from lambent.clock import Clock
from lambent.config import Quotas
from lambent.ids import Ids
from lambent.model.meter import SILENCE, Meter
from lambent.services.sqs import store
from lambent.services.sqs.census import Census
from lambent.services.sqs.errors import no_queue
from lambent.services.sqs.line import Line
from lambent.services.sqs.model import Queue
from lambent.services.sqs.names import QueueKey
from lambent.services.sqs.throughput import Throughput
from lambent.store.api import Database, Transaction

T = TypeVar("T")
Plan = tuple[Callable[[Transaction], Any], Callable[[Any], None]]
"""A work, and what follows it in memory."""


class Live:
    """A queue as it is now."""

    __slots__ = ("line", "queue")

    def __init__(self, queue: Queue, line: Line) -> None:
        self.queue, self.line = queue, line


class Broker:
    """Made by `open_broker`. Everything but the works happens on the event loop."""

    def __init__(self, database: Database, clock: Clock, ids: Ids, quotas: Quotas, meter: Meter = SILENCE) -> None:
        self.meter = meter
        self.database, self.clock, self.ids, self.quotas = database, clock, ids, quotas
        self.throughput = Throughput(quotas.queue_fifo_calls_per_s)
        self._queues: dict[QueueKey, Live] = {}
        self._numbers = itertools.count(1)
        self._commits: set[asyncio.Task[Any]] = set()
        self._one_change = asyncio.Lock()

    async def open(self) -> None:
        """Read what there is."""
        now_ms = self.clock.now_ms()
        found, last = await self.database.read(lambda tx: store.all_queues(tx, now_ms))
        self._numbers = itertools.count(last + 1)
        for queue, census in found:
            self.add(queue, census)

    def next_id(self) -> int:
        """The number of the next message; from any thread."""
        return next(self._numbers)

    def add(self, queue: Queue, census: Census) -> None:
        """A queue has come."""
        self._queues[queue.key] = Live(queue, Line(self.clock, census))

    def remove(self, live: Live) -> None:
        """A queue has gone."""
        if self._queues.get(live.queue.key) is live:
            del self._queues[live.queue.key]
        live.line.close()

    def find(self, key: QueueKey) -> Live:
        """The queue. Raises QueueDoesNotExist."""
        live = self._queues.get(key)
        if live is None:
            raise no_queue()
        return live

    def get(self, key: QueueKey) -> Live | None:
        """The queue, if it exists."""
        return self._queues.get(key)

    def __iter__(self) -> Iterator[Live]:
        return iter(list(self._queues.values()))

    async def commit(self, work: Callable[[Transaction], T], follow: Callable[[T], None] | None = None) -> T:
        """Run `work`, durably, then `follow` with its result."""
        return await self._to_the_end(self._commit(work, follow))

    async def change(self, live: Live, plan: Callable[[Queue], Plan]) -> None:
        """Change a queue's own record: one change at a time, planned on what the one before has left.

        Raises:
            QueueDoesNotExist: it was deleted meanwhile.
        """
        await self._to_the_end(self._change(live, plan))

    def dismiss(self) -> None:
        """Answer everyone who waits now."""
        for live in self:
            live.line.dismiss()

    async def close(self) -> None:
        """Answer everyone who waits, and finish what was begun."""
        for live in self:
            live.line.close()
        await asyncio.gather(*self._commits, return_exceptions=True)

    async def _to_the_end(self, doing: Coroutine[Any, Any, T]) -> T:
        """Wait for `doing`, which goes on when the caller goes away."""
        task = asyncio.get_running_loop().create_task(doing)
        self._commits.add(task)
        task.add_done_callback(self._committed)
        return await asyncio.shield(task)

    async def _change(self, live: Live, plan: Callable[[Queue], Plan]) -> None:
        async with self._one_change:
            if self._queues.get(live.queue.key) is not live:
                raise no_queue()
            await self._commit(*plan(live.queue))

    async def _commit(self, work: Callable[[Transaction], T], follow: Callable[[T], None] | None) -> T:
        result = await self.database.write(work)
        if follow is not None:
            follow(result)
        return result

    def _committed(self, task: asyncio.Task[Any]) -> None:
        self._commits.discard(task)
        if not task.cancelled():
            task.exception()  # the caller has it, or went away
