"""Function snapshots in an edge: cached until control takes them back.

The promise: after `invalidate` returns, no request that comes later is given anything that was
read before. So an invalidation drops what is cached and cuts loose what is being fetched: those
who asked earlier still get that answer, but it is neither cached nor joined by anyone new.
Fetches for the same thing that belong to the same time are one.

Errors are never cached: a function that did not exist may be created without anyone telling us.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from lambent.model.function import FunctionKey, FunctionSnapshot
from lambent.model.messages import SnapshotRequest

Fetch = Callable[[SnapshotRequest], Awaitable[FunctionSnapshot]]
Fetching = asyncio.Task[FunctionSnapshot]


class Snapshots:
    """The snapshots of one edge."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._cached: dict[FunctionKey, dict[str, FunctionSnapshot]] = {}
        self._fetching: dict[FunctionKey, dict[str, Fetching]] = {}
        self._tasks: set[Fetching] = set()

    def cached(self, key: FunctionKey, qualifier: str) -> FunctionSnapshot | None:
        """The snapshot, if it is here; the warm path."""
        versions = self._cached.get(key)
        return None if versions is None else versions.get(qualifier)

    async def get(self, key: FunctionKey, qualifier: str) -> FunctionSnapshot:
        """The snapshot, fetched if need be.

        Raises:
            ServiceError: there is no such function or qualifier.
            Unavailable: control cannot be reached.
        """
        found = self.cached(key, qualifier)
        if found is not None:
            return found
        fetching = self._fetching.setdefault(key, {})
        task = fetching.get(qualifier)
        if task is None:
            task = fetching[qualifier] = asyncio.ensure_future(self._fetched(key, qualifier))
            self._tasks.add(task)
            task.add_done_callback(self._finished)
        return await asyncio.shield(task)  # one caller that gives up must not take the others with it

    def environment_keys(self, key: FunctionKey) -> set[str]:
        """The environments that the cached snapshots of one function lead to."""
        cached = self._cached.get(key, {}).values()
        others = {each.other.environment_key for each in cached if each.other is not None}
        return {each.environment_key for each in cached} | others

    def invalidate(self, keys: Iterable[FunctionKey]) -> dict[FunctionKey, set[str]]:
        """Forget these functions; which qualifiers of each were known."""
        forgotten: dict[FunctionKey, set[str]] = {}
        for key in keys:
            qualifiers = {*self._cached.pop(key, ()), *self._fetching.pop(key, ())}
            if qualifiers:
                forgotten[key] = qualifiers
        return forgotten

    def invalidate_all(self) -> dict[FunctionKey, set[str]]:
        """Forget everything: control may have changed anything while it could not reach us."""
        return self.invalidate({*self._cached, *self._fetching})

    async def close(self) -> None:
        """Give up what is being fetched."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _fetched(self, key: FunctionKey, qualifier: str) -> FunctionSnapshot:
        mine = asyncio.current_task()
        try:
            snapshot = await self._fetch(SnapshotRequest(key, qualifier))
            if self._fetching.get(key, {}).get(qualifier) is mine:
                self._cached.setdefault(key, {})[qualifier] = snapshot
            return snapshot
        finally:
            fetching = self._fetching.get(key, {})
            if fetching.get(qualifier) is mine:
                del fetching[qualifier]
                if not fetching:
                    del self._fetching[key]

    def _finished(self, task: Fetching) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # seen: whoever asked was told, or has left
