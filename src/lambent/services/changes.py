"""Changes that requests can meet: committed, then announced, and only then answered.

Between the commit and the end of the announcement an edge may still serve the old copy. So that
nobody learns of a change in that time, readers ask `seen` before they answer. A caller that hangs
up does not stop a change half way.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from lambent.store.api import Database, Transaction

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class Changes(Generic[K]):
    """All changes to what edges keep copies of (functions, APIs) go through `make`.

    Args:
        announce: told of each change once it is committed; returns once nothing stale is served.
    """

    def __init__(self, database: Database, announce: Callable[[K], Awaitable[None]]) -> None:
        self._database, self._announce = database, announce
        self._running: dict[K, set[asyncio.Task[object]]] = {}

    async def make(self, key: K, work: Callable[[Transaction], T]) -> T:
        """Do `work` in one transaction; returns once nothing stale about `key` is served."""
        task = asyncio.create_task(self._make(key, work))
        tasks = self._running.setdefault(key, set())
        tasks.add(task)
        task.add_done_callback(lambda done: self._done(key, done))
        return await asyncio.shield(task)

    async def seen(self, key: K) -> None:
        """Return once every change to `key` that may have been read is announced."""
        if tasks := self._running.get(key):
            await asyncio.wait(tuple(tasks))

    async def close(self) -> None:
        """Wait for the changes in hand."""
        while self._running:
            await asyncio.wait([task for tasks in self._running.values() for task in tasks])

    async def _make(self, key: K, work: Callable[[Transaction], T]) -> T:
        result = await self._database.write(work)
        await self._announce(key)
        return result

    def _done(self, key: K, task: asyncio.Task[object]) -> None:
        tasks = self._running[key]
        tasks.discard(task)
        if not tasks:
            del self._running[key]
