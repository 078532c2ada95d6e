"""The loop that serves one mapping of a stream: which shards are read, and by which lanes.

A shard is read when its parent has been read to its end, so an item's records come in their order from shard to shard.
Each shard has as many lanes as the mapping's ParallelizationFactor says; a record falls to a lane by its item's key. A
lane that has to wait, for a function that fails or for concurrency, holds up no other.

A change of the mapping ends all lanes after the batches that they have in hand; new ones, with the new settings,
begin when these are over, so no two batches ever have records of one item.

Source: Lambda Developer Guide, "Using Lambda with DynamoDB"; DynamoDB Developer Guide, "Reading and processing
a stream".
"""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterable
from typing import Any, NamedTuple

import structlog

from lambent.clock import Clock
from lambent.errors import ServiceError
from lambent.invocation.asynchronous.api import Outbox
from lambent.model.meter import Meter
from lambent.pollers.api import BEGIN, Mapping, Registry, Shard, Statistics, Streams, StreamSettings
from lambent.pollers.checkpoints import Checkpoints, Lane
from lambent.pollers.counts import Counts
from lambent.pollers.invoking import BatchInvoker, Refusal
from lambent.pollers.stream_batches import StreamBatches
from lambent.pollers.stream_feed import Feed
from lambent.pollers.stream_lane import REST_S, RESTED, LaneTools, StreamLane
from lambent.pollers.waiting import first_of

LOOK_EVERY_S = 60.0  # whether the stream is still there
NOTHING_YET = "No records processed"
NO_STREAM = "ResourceNotFoundException"
log = structlog.get_logger()


class StreamTools(NamedTuple):
    """What all stream pollers share. `begin` gives a task to whoever owns them."""

    streams: Streams
    invoker: BatchInvoker
    checkpoints: Checkpoints
    outbox: Outbox
    registry: Registry
    meter: Meter
    clock: Clock
    event_bytes: int
    begin: Callable[[Coroutine[Any, Any, None]], None]


class StreamPoller:
    """Polls until it is stopped."""

    def __init__(self, mapping: Mapping, tools: StreamTools) -> None:
        self._mapping, self._tools = mapping, tools
        self._counts = Counts(tools.meter)
        self._result = NOTHING_YET
        self._stopping = asyncio.Event()
        self._changed = asyncio.Event()  # ends the lanes that there are; each set of lanes has one of its own
        self._wake = asyncio.Event()
        self._lanes: dict[str, int] = {}  # how many are at work, by shard
        self._running = 0

    async def prepare(self) -> None:
        mapping, checkpoints = self._mapping, self._tools.checkpoints
        if await checkpoints.origin(mapping) is not None:
            return
        try:
            newest = await self._tools.streams.newest(mapping.source_arn)
        except ServiceError:  # the loop will find that there is no stream
            newest = BEGIN
        wants_all = _settings(mapping).starting_position == "TRIM_HORIZON"
        await checkpoints.begin_at(mapping, BEGIN if wants_all else newest)

    def change(self, mapping: Mapping) -> None:
        if mapping != self._mapping:
            self._mapping = mapping
            self._changed.set()
            self._wake.set()

    def start(self) -> None:
        self._stopping.clear()

    def stop(self) -> None:
        self._stopping.set()
        self._changed.set()
        self._wake.set()

    async def forget(self) -> None:
        await self._tools.checkpoints.forget(self._mapping)

    def result(self) -> str:
        return self._result

    def statistics(self) -> Statistics:
        allowed = 0 if self._stopping.is_set() else sum(self._lanes.values())
        return Statistics(running=self._running, allowed=allowed, **self._counts.values)

    async def run(self) -> None:
        while not self._stopping.is_set():
            if self._lanes:  # of earlier settings, with a batch in hand
                self._wake.clear()
                await first_of(self._wake.wait(), self._stopping.wait())
                continue
            self._changed = asyncio.Event()
            try:
                await self._serve(self._mapping, self._changed)
            except RESTED as error:
                await self._trouble(error)
            except Exception:  # a bug of ours must not end a mapping for good
                log.exception("a poller failed unexpectedly", action="poller.bug", **self._facts())
                await first_of(self._changed.wait(), self._tools.clock.sleep(REST_S))
            finally:
                self._changed.set()

    async def _trouble(self, error: Exception) -> None:
        self._result = f"PROBLEM: {error}"
        if isinstance(error, ServiceError) and error.code == NO_STREAM:  # its name never comes back
            self.stop()
            await self._tools.registry.ended(self._mapping, self._result)
            return
        log.warning("a stream cannot be polled", action="poller.rest", **self._facts(), error=str(error))
        await first_of(self._changed.wait(), self._tools.clock.sleep(REST_S))

    async def _serve(self, mapping: Mapping, changed: asyncio.Event) -> None:
        """Give each shard its lanes as soon as it may be read, until something changes."""
        tools, checkpoints = self._tools, self._tools.checkpoints
        origin = await checkpoints.origin(mapping) or BEGIN
        while not changed.is_set():
            self._wake.clear()
            shards = await tools.streams.shards(mapping.source_arn)
            seen = await checkpoints.shards(mapping)
            await checkpoints.drop(mapping, seen.keys() - {shard.id for shard in shards} - self._lanes.keys())
            for shard in readable(shards, {shard for shard, ended in seen.items() if ended}, self._lanes):
                await self._enter(mapping, shard, origin, changed)
            await first_of(self._wake.wait(), changed.wait(), tools.clock.sleep(LOOK_EVERY_S))

    async def _enter(self, mapping: Mapping, shard: Shard, origin: str, changed: asyncio.Event) -> None:
        lanes = _settings(mapping).parallel
        await self._tools.checkpoints.enter(mapping, shard.id, lanes, origin)
        if changed.is_set():
            return
        feed = Feed(self._tools.streams, mapping.source_arn, shard.id, lanes)
        self._lanes[shard.id] = lanes
        for number in range(lanes):
            self._tools.begin(self._keep_at_it(mapping, Lane(shard.id, number, lanes), feed, changed))

    async def _keep_at_it(self, mapping: Mapping, lane: Lane, feed: Feed, changed: asyncio.Event) -> None:
        """A lane, begun again from its checkpoint after faults."""
        try:
            over = False
            while not over and not changed.is_set():
                over = await self._work(mapping, lane, feed, changed)
        finally:
            left = self._lanes[lane.shard] - 1
            self._lanes[lane.shard] = left
            if not left:
                del self._lanes[lane.shard]
                self._wake.set()

    async def _work(self, mapping: Mapping, lane: Lane, feed: Feed, changed: asyncio.Event) -> bool:
        """Whether the lane is over: at the end of its shard, or without one."""
        tools = self._tools
        try:
            spots = await tools.checkpoints.enter(mapping, lane.shard, lane.lanes, BEGIN)
            spot = spots[lane.number]
            batches = StreamBatches(mapping, lane, spot, feed, tools.clock)
            await StreamLane(lane, spot, batches, self._lane_tools(mapping, changed)).run()
        except RESTED as error:
            if isinstance(error, ServiceError) and error.code == NO_STREAM:
                return True  # older than its stream keeps anything; the loop looks what is left
            self._result = f"PROBLEM: {error}"
            log.warning("a lane begins again", action="poller.rest", **self._facts(), error=str(error))
            await first_of(changed.wait(), tools.clock.sleep(REST_S))
            return False
        except Exception:  # a bug of ours must not end a lane for good
            log.exception("a lane failed unexpectedly", action="poller.bug", **self._facts())
            await first_of(changed.wait(), tools.clock.sleep(REST_S))
            return False
        return True

    def _lane_tools(self, mapping: Mapping, changed: asyncio.Event) -> LaneTools:
        tools = self._tools

        async def gone(refusal: Refusal) -> None:
            if not changed.is_set() and mapping == self._mapping:
                self.stop()
                await tools.registry.ended(mapping, f"PROBLEM: {refusal.message}")

        return LaneTools(
            mapping,
            _settings(mapping),
            tools.invoker,
            tools.checkpoints,
            tools.outbox,
            tools.registry,
            self._counts,
            tools.meter,
            tools.clock,
            tools.event_bytes,
            changed,
            self._tell,
            gone,
            self._count_running,
        )

    def _tell(self, result: str) -> None:
        self._result = result

    def _count_running(self, more: int) -> None:
        self._running += more

    def _facts(self) -> dict[str, object]:
        mapping = self._mapping
        return {"mapping": mapping.uuid, "source": mapping.source_arn, "function": mapping.function.name}


def readable(shards: Iterable[Shard], finished: Collection[str], at_work: Collection[str]) -> list[Shard]:
    """The shards that lanes are to be begun for: neither read, nor being read, nor waiting for a parent. Pure."""
    shards = list(shards)
    known = {shard.id for shard in shards}
    waiting = {shard.id for shard in shards if shard.parent in known and shard.parent not in finished}
    return [shard for shard in shards if shard.id not in waiting and shard.id not in {*finished, *at_work}]


def _settings(mapping: Mapping) -> StreamSettings:
    if mapping.stream is None:
        raise ValueError(f"{mapping.uuid} is no mapping of a stream")
    return mapping.stream
