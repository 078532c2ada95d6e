"""The loop that serves one mapping of a queue.

It takes from the queue only what it can run at once, so that messages which have to wait do so in the queue, visible
to others and at no cost to their receive count. One receive fills all free slots of a standard queue; of a FIFO queue
each receive is one batch, because the queue lets nothing of a group out while one of it is in hand: so a group's
messages are never in two batches at the same time.

A message is deleted after the function has succeeded with it, or when the filter criteria do not want it. All others
are left to their visibility timeout, or given back where a mapping stops before they could run. Waiting, for the
window or for concurrency, takes at most half of that timeout: the other half is the function's.

Source: Lambda Developer Guide, "Using Lambda with Amazon SQS" and its pages on scaling, filtering and error handling.
That messages which were passed round too often travel alone, so that no others are stopped with them, is our own.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple

import structlog

from lambent.clock import Clock
from lambent.errors import ServiceError, Unavailable
from lambent.model import lineage
from lambent.model.meter import Meter
from lambent.patterns.api import FilterCriteria
from lambent.pollers.api import Mapping, Message, QueueFacts, Queues, Registry, Statistics
from lambent.pollers.counts import Counts
from lambent.pollers.gathering import Batch, Entry, Gathering, Limits
from lambent.pollers.invoking import BatchInvoker, Patience, Refusal
from lambent.pollers.queue_events import FRAME_BYTES, encode, event_of, record_of
from lambent.pollers.responses import failed_ids
from lambent.pollers.scaling import Scaling
from lambent.pollers.waiting import first_of
from lambent.store.api import StoreFailed

LONGEST_POLL_S, SHORTEST_S = 20.0, 0.001
REST_S = 5.0  # after a receive that could not be
AT_ONCE = 1_000  # messages of one receive
AT_ONCE_BYTES = 32 * 1024 * 1024  # what one receive may bring, as far as the last one tells
log = structlog.get_logger()


class Tools(NamedTuple):
    """What all pollers share. `begin` gives a task to whoever owns them."""

    queues: Queues
    invoker: BatchInvoker
    registry: Registry
    meter: Meter
    clock: Clock
    event_bytes: int
    begin: Callable[[Coroutine[Any, Any, None]], None]


class QueuePoller:
    """Polls until it is stopped. `change` takes effect with the next receive."""

    def __init__(self, mapping: Mapping, tools: Tools) -> None:
        self._tools, self._clock, self._queues = tools, tools.clock, tools.queues
        self._scaling = Scaling(self._clock.monotonic_s())
        self._gathering: Gathering[Message] = Gathering()
        self._ready: deque[list[Batch[Message]]] = deque()  # for each slot, batches that run one after the other
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._running, self._message_bytes = 0, 1024
        self._counts = Counts(tools.meter)
        self.problem = ""
        self.change(mapping)

    async def prepare(self) -> None:
        """Nothing: a queue is served from where it stands."""

    async def forget(self) -> None:
        """Nothing: nothing was kept."""

    def result(self) -> str:
        """What keeps the mapping from being served now; "" for nothing."""
        return self.problem

    def change(self, mapping: Mapping) -> None:
        """Serve this from now on: another version of the same mapping."""
        self._mapping, self._criteria = mapping, FilterCriteria(mapping.filters, "body")
        self._wake.set()

    def start(self) -> None:
        """Before `run`."""
        self._stopping.clear()

    def stop(self) -> None:
        """Begin nothing more; `run` returns soon."""
        self._stopping.set()
        self._wake.set()

    @property
    def idle(self) -> bool:
        """Whether no batch is in hand."""
        return not self._running

    def statistics(self) -> Statistics:
        allowed = 0 if self._stopping.is_set() else self._scaling.allowed(self._mapping.most_concurrent)
        return Statistics(running=self._running, allowed=allowed, **self._counts.values)

    async def run(self) -> None:
        """Poll until stopped; what was taken and has not begun is given back."""
        try:
            while not self._stopping.is_set():
                try:
                    await self._step()
                except (ServiceError, StoreFailed, Unavailable) as error:
                    self.problem = f"PROBLEM: {error}"
                    log.warning("a queue cannot be polled", action="poller.rest", **self._facts(), error=str(error))
                    await first_of(self._wake.wait(), self._clock.sleep(REST_S))
                except Exception:  # a bug of ours must not end a mapping for good
                    log.exception("a poller failed unexpectedly", action="poller.bug", **self._facts())
                    await first_of(self._wake.wait(), self._clock.sleep(REST_S))
        finally:
            self._ready.append([self._gathering.close()])
            left = [entry.item for slot in self._ready for batch in slot for entry in batch]
            self._ready.clear()
            if left:
                self._tools.begin(self._release(left))

    async def _step(self) -> None:
        """Begin what is ready, take what there is room for, and wait when there is neither."""
        self._wake.clear()
        mapping, arn = self._mapping, self._mapping.source_arn
        facts, version = self._queues.facts(arn), self._queues.version(arn)
        now_s = self._clock.monotonic_s()
        self._scaling.settle(now_s)
        for batch in self._gathering.due(now_s):
            self._ready.append([batch])
        self._begin(facts)
        taken = 0
        if self._free > 0:
            taken = await self._take(mapping, facts)
            self._begin(facts)
        self.problem = ""
        # What waits in a FIFO queue may wait for its own group; in others slots that just fell free are taken next.
        waits = self._queues.waiting(arn) > 0 and (self._free <= 0 or not facts.fifo)
        self._scaling.pressed = waits or bool(self._ready)
        if not taken and not self._stopping.is_set():
            await self._wait(arn, version)

    @property
    def _free(self) -> int:
        """How many more batches may run now."""
        return self._scaling.allowed(self._mapping.most_concurrent) - self._running

    async def _wait(self, arn: str, version: int) -> None:
        if self._free <= 0:
            if not self._scaling.pressed:
                await first_of(self._wake.wait(), self._queues.wait(arn, version, LONGEST_POLL_S))
            elif self._scaling.may_grow(self._mapping.most_concurrent):
                await first_of(self._wake.wait(), self._clock.sleep(self._scaling.next_step_s()))
            else:
                await self._wake.wait()
            return
        until_s = self._gathering.until_s
        left_s = LONGEST_POLL_S if until_s is None else max(SHORTEST_S, until_s - self._clock.monotonic_s())
        await first_of(self._wake.wait(), self._clock.sleep(left_s), self._queues.wait(arn, version, LONGEST_POLL_S))

    # --- taking ---------------------------------------------------------------------------

    async def _take(self, mapping: Mapping, facts: QueueFacts) -> int:
        """Receive for the free slots and make batches of it; how many messages came."""
        size = mapping.batch_size
        wanted = size if facts.fifo else self._free * size - len(self._gathering)
        most = max(1, min(wanted, AT_ONCE, AT_ONCE_BYTES // self._message_bytes))
        messages = await self._queues.receive(mapping.source_arn, most)
        if not messages:
            return 0
        self._counts.add(self._mapping, "polled", len(messages))
        self._message_bytes = max(256, sum(len(message.body) for message in messages) // len(messages))
        entries = self._wanted(mapping, messages)
        window_s = 0.0 if facts.fifo else min(float(mapping.window_s), facts.visibility_s / 2)
        limits = Limits(size, window_s, self._tools.event_bytes - FRAME_BYTES)
        now_s = self._clock.monotonic_s()
        if facts.fifo:
            if slot := self._gathering.add(entries, limits, now_s):
                self._ready.append(slot)
            return len(messages)
        looping = [entry for entry in entries if _passes(entry.item, mapping) >= lineage.MOST_PASSES]
        others = [entry for entry in entries if entry not in looping] if looping else entries
        self._ready += [[[entry]] for entry in looping]
        self._ready += [[batch] for batch in self._gathering.add(others, limits, now_s)]
        return len(messages)

    def _wanted(self, mapping: Mapping, messages: list[Message]) -> list[Entry[Message]]:
        """The messages that the criteria want; the others are on their way out."""
        entries: list[Entry[Message]] = []
        unwanted: list[Message] = []
        for message in messages:
            record = record_of(message, mapping.source_arn)
            if self._criteria.matches(record):
                entries.append(Entry(message, encode(record)))
            else:
                unwanted.append(message)
        if unwanted:
            self._counts.add(self._mapping, "filtered_out", len(unwanted))
            self._tools.begin(self._delete(unwanted))
        return entries

    # --- serving --------------------------------------------------------------------------

    def _begin(self, facts: QueueFacts) -> None:
        """Run what is ready as far as there are slots."""
        while self._ready and self._free > 0 and not self._stopping.is_set():
            self._running += 1
            self._tools.begin(self._serve(self._mapping, self._ready.popleft(), facts))

    async def _serve(self, mapping: Mapping, batches: list[Batch[Message]], facts: QueueFacts) -> None:
        stuck: set[str] = set()
        done: list[Message] = []
        try:
            for batch in batches:
                now_ms = self._clock.now_ms()
                batch = [  # noqa: PLW2901  what was cut off has waited for the part before it
                    each for each in batch if each.item.group not in stuck and each.item.visible_ms > now_ms
                ]
                failed = await self._run(mapping, batch, facts) if batch else set()
                stuck |= {entry.item.group for entry in batch if entry.item.id in failed and facts.fifo}
                done += [entry.item for entry in batch if entry.item.id not in failed]
        finally:
            self._running -= 1
            self._wake.set()
        if done:
            await self._delete(done)

    async def _run(self, mapping: Mapping, batch: Batch[Message], facts: QueueFacts) -> set[str]:
        """Invoke; the ids of the messages that have to come again."""
        messages = [entry.item for entry in batch]
        latest_ms = min(message.visible_ms for message in messages) - facts.visibility_s * 500
        until_s = self._clock.monotonic_s() + (latest_ms - self._clock.now_ms()) / 1000
        header = max(messages, key=lambda message: (_passes(message, mapping), bool(message.trace_header))).trace_header
        payload = event_of([entry.encoded for entry in batch])
        ids = {message.id for message in messages}
        patience = Patience(until_s, self._rest, self._refused)
        result = (await self._tools.invoker.invoke(mapping, payload, header, patience)).answer
        if isinstance(result, Refusal):
            self._counts.add(self._mapping, "failed", len(ids))
            if result.gone:
                await self._give_up(mapping, messages, result)
            elif self._stopping.is_set():
                await self._release(messages)
            return ids
        failed = failed_ids(result, ids, reports_failures=mapping.reports_failures)
        self._counts.add(self._mapping, "invoked", len(ids))
        self._counts.add(self._mapping, "failed", len(failed))
        return failed

    async def _rest(self, seconds: float) -> bool:
        """Wait, and whether there is still somebody to wait for."""
        await first_of(self._clock.sleep(seconds), self._stopping.wait())
        return not self._stopping.is_set()

    def _refused(self, refusal: Refusal) -> None:
        if not refusal.throttled:
            return
        self._counts.add(self._mapping, "throttled", 1)
        self._scaling.throttled(self._clock.monotonic_s())

    async def _give_up(self, mapping: Mapping, messages: list[Message], refusal: Refusal) -> None:
        """The function is gone: let others have the messages, and stop."""
        await self._release(messages)
        if not self._stopping.is_set() and mapping == self._mapping:
            self.stop()
            await self._tools.registry.ended(mapping, f"PROBLEM: {refusal.message}")

    async def _delete(self, messages: list[Message]) -> None:
        try:
            handles = [message.handle for message in messages]
            deleted = await self._queues.delete(self._mapping.source_arn, handles)
            self._counts.add(self._mapping, "deleted", deleted)
        except (ServiceError, StoreFailed, Unavailable) as error:  # they will come again: at least once
            log.warning("messages stay", action="poller.undeleted", **self._facts(), error=str(error))

    async def _release(self, messages: list[Message]) -> None:
        try:
            await self._queues.release(self._mapping.source_arn, [message.handle for message in messages])
        except (ServiceError, StoreFailed, Unavailable) as error:  # then their timeout does it
            log.warning("messages stay hidden", action="poller.unreleased", **self._facts(), error=str(error))

    def _facts(self) -> dict[str, object]:
        mapping = self._mapping
        return {"mapping": mapping.uuid, "source": mapping.source_arn, "function": mapping.function.name}


def _passes(message: Message, mapping: Mapping) -> int:
    header = message.trace_header
    return lineage.passes(header, mapping.function) if lineage.is_chained(header) else 0
