"""The queue of accepted events, and the loop that delivers them.

`put` returns once the event is on disk. `run` claims what is due, many at a time and fairly among
functions (lanes.py), and decides with verdict.py what follows each attempt: the event is deleted,
once what its destinations are to get is on its way, or put back for later under the same request id. An
event is deleted only after its attempt is over, so each runs at least once.

Rejected: writing claims down. It would cost a commit for each attempt, and after a crash the
claims of the dead would have to be told from those of the living.
"""

import asyncio
from typing import NamedTuple

import msgspec
import structlog

from lambent.clock import Clock, sleep_until
from lambent.config import Settings
from lambent.errors import Fault, ServiceError, Unavailable
from lambent.invocation.asynchronous import store
from lambent.invocation.asynchronous.api import Event, EventRules, Functions, Invoker, Outbox, Statistics
from lambent.invocation.asynchronous.lanes import NEVER_MS, Lane, Lanes
from lambent.invocation.asynchronous.records import SUCCESS, Ending, deliveries_of
from lambent.invocation.asynchronous.verdict import GONE, LOOP, THROTTLED, Attempt, Later, ending_unattempted, verdict
from lambent.model.function import FunctionKey
from lambent.model.invocation import Invocation
from lambent.model.lineage import RecursiveInvocation
from lambent.model.meter import SILENCE, Meter, measure_function
from lambent.model.trace import new_trace
from lambent.store.api import Database, StoreFailed, Transaction

PARALLEL = 512  # attempts at once; more would wait for concurrency, with their payloads in memory
PAUSE_S = 1.0
NOT_FOUND = "ResourceNotFoundException"
HOPELESS = {NOT_FOUND: GONE, RecursiveInvocation.code: LOOP}
log = structlog.get_logger()


class Links(NamedTuple):
    """What the queue talks to."""

    invoker: Invoker
    functions: Functions
    outbox: Outbox
    meter: Meter = SILENCE


class EventQueue:
    """See api.py for the contract."""

    def __init__(
        self, database: Database, clock: Clock, settings: Settings, links: Links, parallel: int = PARALLEL
    ) -> None:
        self._database, self._clock, self._links = database, clock, links
        self._delays_s, self._lanes = settings.async_retry_delays_s, Lanes(parallel)
        self._wake = asyncio.Event()
        self._succeeded = self._retried = self._dropped = 0

    async def put(self, invocation: Invocation) -> None:
        """Accept an event; it is on disk when this returns."""
        now_ms = self._clock.now_ms()
        if not invocation.trace_header:  # every attempt is part of one trace
            header = new_trace(invocation.request_id, now_ms // 1000)
            invocation = msgspec.structs.replace(invocation, trace_header=header)
        await self._database.write(lambda tx: store.add(tx, invocation, now_ms))
        self._lanes.lane(invocation.function).expect(now_ms)
        self._wake.set()
        self._measure(invocation.function, "AsyncEventsReceived")

    async def run(self) -> None:
        """Deliver until cancelled."""
        known = False
        async with asyncio.TaskGroup() as attempts:
            while True:
                self._wake.clear()
                try:
                    if not known:
                        for key in await self._database.read(store.functions):
                            self._lanes.lane(key).expect(0)
                        known = True
                    events = await self._claim()
                except (StoreFailed, Unavailable) as error:
                    log.error("the queue cannot be read", action="events.read", error=str(error))
                    await self._clock.sleep(PAUSE_S)
                    continue
                for event in events:
                    attempts.create_task(self._deliver(event))
                await self._wait()

    async def statistics(self) -> Statistics:
        """What waits, runs and has been done."""
        held = await self._database.read(store.count)
        running = self._lanes.running
        return Statistics(max(0, held - running), running, self._succeeded, self._retried, self._dropped)

    async def _claim(self) -> list[Event]:
        """Take what is due, as far as there is room."""
        now_ms = self._clock.now_ms()
        looks = [(lane, count, lane.stamp, frozenset(lane.claimed)) for lane, count in self._lanes.room(now_ms)]
        if not looks:
            return []

        def work(tx: Transaction) -> list[store.Due]:
            return [store.due(tx, lane.key, now_ms, count, claimed) for lane, count, _, claimed in looks]

        events: list[Event] = []
        for (lane, count, stamp, _), found in zip(looks, await self._database.read(work), strict=True):
            lane.claimed.update(event.id for event in found.events)
            events += found.events
            if len(found.events) < count:
                lane.looked(stamp, NEVER_MS if found.next_ms is None else found.next_ms)
        self._lanes.tidy([lane for lane, *_ in looks])
        return events

    async def _wait(self) -> None:
        """Until something is put or over, or the next event falls due."""
        now_ms = self._clock.now_ms()
        next_ms = self._lanes.next_ms(now_ms)
        if self._lanes.room(now_ms):
            return
        if next_ms == NEVER_MS:
            await self._wake.wait()
            return
        sleeping = asyncio.ensure_future(sleep_until(self._clock, next_ms))
        waking = asyncio.ensure_future(self._wake.wait())
        try:
            await asyncio.wait((sleeping, waking), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            waking.cancel()

    async def _deliver(self, event: Event) -> None:
        """One attempt, and what follows from it."""
        lane = self._lanes.lane(event.invocation.function)
        try:
            await self._serve(event, lane)
        except (StoreFailed, Unavailable) as error:
            log.error("an event stays as it was", action="event.kept", **_facts(event), error=str(error))
            await self._look_again(lane)
        except Exception:  # a bug of ours must neither lose the event nor stop the others
            log.exception("an event failed unexpectedly", action="event.bug", **_facts(event))
            await self._look_again(lane)
        finally:
            lane.claimed.discard(event.id)
            self._lanes.tidy([lane])
            self._wake.set()

    async def _look_again(self, lane: Lane) -> None:
        await self._clock.sleep(PAUSE_S)
        lane.expect(0)

    async def _serve(self, event: Event, lane: Lane) -> None:
        try:
            rules = await self._links.functions.event_rules(event.invocation.function, event.invocation.qualifier)
        except ServiceError as error:
            if error.code != NOT_FOUND:
                raise Unavailable(error.message) from error
            await self._finish(event, EventRules(""), Ending(GONE, event.attempts))
            return
        ending = ending_unattempted(event, rules, self._clock.now_ms())
        if ending is None:
            attempt = await self._attempt(event)
            if attempt.code == THROTTLED:
                lane.throttled()
            elif attempt.result is not None:
                lane.served()
            following = verdict(event, rules, attempt, self._clock.now_ms(), self._delays_s)
            if isinstance(following, Later):
                await self._database.write(lambda tx: store.put_back(tx, following.event, following.due_ms))
                lane.expect(following.due_ms)
                self._retried += 1
                return
            ending = following
        await self._finish(event, rules, ending)

    async def _attempt(self, event: Event) -> Attempt:
        age_ms = self._clock.now_ms() - event.accepted_ms
        self._measure(event.invocation.function, "AsyncEventAge", float(age_ms), "Milliseconds")
        try:
            result = await self._links.invoker.invoke(event.invocation)
        except ServiceError as error:
            log.info("an event was not run", action="event.refused", **_facts(event), reason=error.code)
            hopeless = HOPELESS.get(error.code, "")
            return Attempt(fault=Fault.PLATFORM, hopeless=hopeless, code=error.status, message=error.message)
        except Unavailable as error:
            log.info("an event was not run", action="event.refused", **_facts(event), reason=str(error))
            return Attempt(fault=Fault.PLATFORM, code=500, message="The platform could not run the event.")
        except Exception:  # a bug of ours must neither lose the event nor stop the others
            log.exception("an event failed unexpectedly", action="event.bug", **_facts(event))
            return Attempt(fault=Fault.PLATFORM, code=500, message="The platform could not run the event.")
        return Attempt(result, Fault.FUNCTION if result.function_error else None)

    async def _finish(self, event: Event, rules: EventRules, ending: Ending) -> None:
        """The event is over, and what follows is on its way before it is forgotten."""
        await self._links.outbox.put(deliveries_of(event, rules, ending, self._clock.now_ms()))
        await self._database.write(lambda tx: store.delete(tx, event))
        if ending.condition == SUCCESS:
            self._succeeded += 1
            return
        self._dropped += 1
        self._measure(event.invocation.function, "AsyncEventsDropped")
        if ending.condition == LOOP:
            self._measure(event.invocation.function, "RecursiveInvocationsDropped")
        log.warning("an event is given up", action="event.dropped", **_facts(event), condition=ending.condition)

    def _measure(self, function: FunctionKey, name: str, value: float = 1.0, unit: str = "Count") -> None:
        measure_function(self._links.meter, function, name, value, unit)


def _facts(event: Event) -> dict[str, object]:
    return {
        "request_id": event.invocation.request_id,
        "function": event.invocation.function.name,
        "attempts": event.attempts,
        "requeues": event.requeues,
    }
