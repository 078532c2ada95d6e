"""The queue of accepted events, and the loop that delivers them.

`put` returns once the event is on disk. `run` claims what is due, many at a time, and decides with
retry.py what follows each attempt: the event is deleted, or put back for later under the same
request id. An event is deleted only after its attempt is over, so each runs at least once.

Rejected: writing claims down. It would cost a commit for each attempt, and after a crash the
claims of the dead would have to be told from those of the living.
"""

import asyncio

import msgspec
import structlog

from lambent.clock import Clock
from lambent.config import Settings
from lambent.errors import Fault, ServiceError, Unavailable
from lambent.invocation.asynchronous import store
from lambent.invocation.asynchronous.api import Event, Invoker, Statistics
from lambent.invocation.asynchronous.retry import is_too_old, retry_delay_s
from lambent.model.invocation import Invocation
from lambent.store.api import Database, StoreFailed

PARALLEL = 256  # attempts at once; more would wait for concurrency, with their payloads in memory
PAUSE_S = 1.0
GONE = "ResourceNotFoundException"
log = structlog.get_logger()


class EventQueue:
    """See api.py for the contract."""

    def __init__(
        self, database: Database, clock: Clock, settings: Settings, invoker: Invoker, parallel: int = PARALLEL
    ) -> None:
        self._database, self._clock, self._invoker = database, clock, invoker
        self._delays_s, self._parallel = settings.async_retry_delays_s, parallel
        self._claimed: set[int] = set()
        self._wake = asyncio.Event()
        self._succeeded = self._retried = self._dropped = 0

    async def put(self, invocation: Invocation) -> None:
        """Accept an event; it is on disk when this returns."""
        now_ms = self._clock.now_ms()
        await self._database.write(lambda tx: store.add(tx, invocation, now_ms))
        self._wake.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        async with asyncio.TaskGroup() as attempts:
            while True:
                self._wake.clear()
                try:
                    due = await self._due()
                except (StoreFailed, Unavailable) as error:
                    log.error("the queue cannot be read", action="events.read", error=str(error))
                    await self._clock.sleep(PAUSE_S)
                    continue
                for event in due.events:
                    self._claimed.add(event.id)
                    attempts.create_task(self._deliver(event))
                await self._wait(due.next_ms)

    async def statistics(self) -> Statistics:
        """What waits, runs and has been done."""
        held = await self._database.read(store.count)
        running = len(self._claimed)
        return Statistics(max(0, held - running), running, self._succeeded, self._retried, self._dropped)

    async def _due(self) -> store.Due:
        now_ms, claimed = self._clock.now_ms(), frozenset(self._claimed)
        free = self._parallel - len(claimed)
        return await self._database.read(lambda tx: store.due(tx, now_ms, free, claimed))

    async def _wait(self, next_ms: int | None) -> None:
        """Until something is put or over, or the next event falls due."""
        if next_ms is None or len(self._claimed) >= self._parallel:
            await self._wake.wait()
            return
        sleeping = asyncio.ensure_future(self._clock.sleep((next_ms - self._clock.now_ms()) / 1000))
        waking = asyncio.ensure_future(self._wake.wait())
        try:
            await asyncio.wait((sleeping, waking), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            waking.cancel()

    async def _deliver(self, event: Event) -> None:
        """One attempt, and what follows from it."""
        try:
            await self._conclude(event, await self._attempt(event))
        except (StoreFailed, Unavailable) as error:
            log.error("an event stays as it was", action="event.kept", **_facts(event), error=str(error))
            await self._clock.sleep(PAUSE_S)
        finally:
            self._claimed.discard(event.id)
            self._wake.set()

    async def _attempt(self, event: Event) -> Fault | None:
        """Whose fault the attempt's failure is, None for success; CALLER means that trying again is no use."""
        try:
            result = await self._invoker.invoke(event.invocation)
        except ServiceError as error:
            log.info("an event was not run", action="event.refused", **_facts(event), reason=error.code)
            return Fault.CALLER if error.code == GONE else Fault.PLATFORM
        except Unavailable as error:
            log.info("an event was not run", action="event.refused", **_facts(event), reason=str(error))
            return Fault.PLATFORM
        except Exception:  # a bug of ours must neither lose the event nor stop the others
            log.exception("an event failed unexpectedly", action="event.bug", **_facts(event))
            return Fault.PLATFORM
        return Fault.FUNCTION if result.function_error else None

    async def _conclude(self, event: Event, fault: Fault | None) -> None:
        if fault is None:
            await self._database.write(lambda tx: store.delete(tx, event))
            self._succeeded += 1
        elif fault is Fault.CALLER:
            await self._drop(event, "FunctionNotFound")
        else:
            await self._try_later(event, fault)

    async def _try_later(self, event: Event, fault: Fault) -> None:
        counter = "attempts" if fault is Fault.FUNCTION else "requeues"
        made = getattr(event, counter) + 1
        delay_s = retry_delay_s(fault, made, delays_s=self._delays_s)
        if delay_s is None:
            await self._drop(event, "RetriesExhausted")
            return
        due_ms = self._clock.now_ms() + round(delay_s * 1000)
        if is_too_old(event.accepted_ms, due_ms):
            await self._drop(event, "EventAgeExceeded")
            return
        later = msgspec.structs.replace(event, **{counter: made})
        await self._database.write(lambda tx: store.put_back(tx, later, due_ms))
        self._retried += 1

    async def _drop(self, event: Event, condition: str) -> None:
        """Give the event up. `condition` is what AWS calls it in destination records, where it has a word."""
        log.warning("an event is dropped", action="event.dropped", **_facts(event), condition=condition)
        await self._database.write(lambda tx: store.delete(tx, event))
        self._dropped += 1


def _facts(event: Event) -> dict[str, object]:
    return {
        "request_id": event.invocation.request_id,
        "function": event.invocation.function.name,
        "attempts": event.attempts,
        "requeues": event.requeues,
    }
