"""All pollers of control: one loop for each mapping, and the batches that they have in hand."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

from lambent.clock import Clock
from lambent.ids import Ids
from lambent.pollers.api import Links, Mapping, Poller, Registry, Statistics
from lambent.pollers.checkpoints import Checkpoints
from lambent.pollers.invoking import BatchInvoker
from lambent.pollers.queue_poller import QueuePoller, Tools
from lambent.pollers.stream_poller import StreamPoller, StreamTools

CLOSE_S = 2.0  # what batches in hand get at the end; what they leave is received again
log = structlog.get_logger()


class Pollers:
    """See api.py for the contract. `registry` is set by whoever connects the rooms, before the first `apply`."""

    registry: Registry

    def __init__(self, links: Links, clock: Clock, ids: Ids, event_bytes: int) -> None:
        self._links, self._clock, self._event_bytes = links, clock, event_bytes
        self._invoker = BatchInvoker(links.invoker, clock, ids, links.meter)
        self._checkpoints = Checkpoints(links.database)
        self._pollers: dict[str, Poller] = {}
        self._loops: dict[str, asyncio.Task[None]] = {}
        self._batches: set[asyncio.Task[None]] = set()
        self._closed = False

    async def apply(self, mapping: Mapping) -> None:
        """Serve a mapping, or go on with it as it is now."""
        if self._closed:  # the next start serves it
            return
        poller = self._pollers.get(mapping.uuid)
        if poller is None:
            poller = self._poller(mapping)
            await poller.prepare()
            self._pollers[mapping.uuid] = poller
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

    async def forget(self, mapping: Mapping) -> None:
        """The same, for a mapping that will not come back."""
        await self.stop(mapping.uuid)
        poller = self._pollers.pop(mapping.uuid, None) or self._poller(mapping)
        await poller.forget()

    def result(self, uuid: str) -> str:
        """What came of a mapping lately, or keeps it from being served; "" where there is nothing to say."""
        poller = self._pollers.get(uuid)
        return "" if poller is None else poller.result()

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

    def _poller(self, mapping: Mapping) -> Poller:
        links, clock, event_bytes = self._links, self._clock, self._event_bytes
        if mapping.stream is None:
            tools = Tools(links.queues, self._invoker, self.registry, links.meter, clock, event_bytes, self._begin)
            return QueuePoller(mapping, tools)
        return StreamPoller(
            mapping,
            StreamTools(
                links.streams,
                self._invoker,
                self._checkpoints,
                links.outbox,
                self.registry,
                links.meter,
                clock,
                event_bytes,
                self._begin,
            ),
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
