"""All pollers of control: one loop for each mapping, and the batches that they have in hand."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

from lambent.clock import Clock
from lambent.ids import Ids
from lambent.pollers.api import Links, Mapping, Registry, Statistics
from lambent.pollers.invoking import BatchInvoker
from lambent.pollers.queue_poller import QueuePoller, Tools

CLOSE_S = 2.0  # what batches in hand get at the end; what they leave is received again
log = structlog.get_logger()


class Pollers:
    """See api.py for the contract. `registry` is set by whoever connects the rooms, before the first `apply`."""

    registry: Registry

    def __init__(self, links: Links, clock: Clock, ids: Ids, event_bytes: int) -> None:
        self._links, self._clock, self._event_bytes = links, clock, event_bytes
        self._invoker = BatchInvoker(links.invoker, clock, ids)
        self._pollers: dict[str, QueuePoller] = {}
        self._loops: dict[str, asyncio.Task[None]] = {}
        self._batches: set[asyncio.Task[None]] = set()
        self._closed = False

    async def apply(self, mapping: Mapping) -> None:
        """Serve a mapping, or go on with it as it is now."""
        if self._closed:  # the next start serves it
            return
        poller = self._pollers.get(mapping.uuid)
        if poller is None:
            poller = self._pollers[mapping.uuid] = QueuePoller(mapping, self._tools())
        else:
            poller.change(mapping)
        loop = self._loops.get(mapping.uuid)
        poller.start()
        if loop is None or loop.done():
            self._loops[mapping.uuid] = self._task(poller.run())

    async def stop(self, uuid: str) -> None:
        """Return once nothing more is taken for this mapping; batches in hand go on."""
        poller, loop = self._pollers.get(uuid), self._loops.pop(uuid, None)
        if poller is not None:
            poller.stop()
        if loop is not None:
            await asyncio.wait((loop,))

    async def forget(self, uuid: str) -> None:
        """The same, for a mapping that will not come back."""
        await self.stop(uuid)
        self._pollers.pop(uuid, None)

    def problem(self, uuid: str) -> str:
        """What keeps a mapping from being served now; "" for nothing."""
        poller = self._pollers.get(uuid)
        return "" if poller is None else poller.problem

    def statistics(self) -> dict[str, Statistics]:
        """By mapping."""
        return {uuid: poller.statistics() for uuid, poller in self._pollers.items()}

    async def close(self) -> None:
        """Stop all, and give the batches in hand a moment."""
        self._closed = True
        await asyncio.gather(*(self.stop(uuid) for uuid in list(self._pollers)))
        if self._batches:
            await asyncio.wait(set(self._batches), timeout=CLOSE_S)
        for task in self._batches:
            task.cancel()
        await asyncio.gather(*self._batches, return_exceptions=True)

    def _tools(self) -> Tools:
        links = self._links
        return Tools(
            links.queues, self._invoker, self.registry, links.meter, self._clock, self._event_bytes, self._begin
        )

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._task(work)
        self._batches.add(task)
        task.add_done_callback(self._batches.discard)

    @staticmethod
    def _task(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(_say_if_failed)
        return task


def _say_if_failed(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("a poller failed unexpectedly", action="poller.bug", exc_info=task.exception())
