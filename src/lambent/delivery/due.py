"""The loop that everything with a due time shares: rows of a table that fall due, worked on in parallel.

The owner has the table, and says how to find what is due and how to work on one of them. Claims
live in memory only: a work that was cut off by a crash is found again, so each is done at
least once. Work has to end with its row deleted or due later, or it comes around again at once.

Rejected: writing claims down. It would cost a commit for each attempt, and after a crash the claims of
the dead would have to be told from those of the living.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, NamedTuple, Protocol, TypeVar

import structlog

from lambent.clock import Clock, sleep_until
from lambent.errors import Unavailable
from lambent.store.api import StoreFailed

PARALLEL = 256
PAUSE_S = 1.0
LONGEST_SLEEP_S = 3_600.0  # so that a machine's clock that was set is noticed

log = structlog.get_logger()


class HasId(Protocol):
    """A row of the table."""

    @property
    def id(self) -> int:
        """Its number."""


T = TypeVar("T", bound=HasId)


class Found(NamedTuple, Generic[T]):
    """What may be worked on now, and when the next one after now falls due (None: there is none)."""

    items: list[T]
    next_ms: int | None


class DueLoop(Generic[T]):
    """`find(now_ms, count, claimed)` gives up to `count` rows that are due and not among `claimed`."""

    def __init__(
        self,
        find: Callable[[int, int, frozenset[int]], Awaitable[Found[T]]],
        work: Callable[[T], Awaitable[None]],
        clock: Clock,
        name: str,
        parallel: int = PARALLEL,
    ) -> None:
        self._find, self._work, self._clock, self._name = find, work, clock, name
        self._parallel = parallel
        self._claimed: set[int] = set()
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Look again: something was added, or falls due earlier than before."""
        self._wake.set()

    @property
    def running(self) -> int:
        """How many are being worked on."""
        return len(self._claimed)

    async def run(self) -> None:
        """Work until cancelled; what was not finished is found again by the next run."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                self._wake.clear()
                claimed = frozenset(self._claimed)
                try:
                    found = await self._find(self._clock.now_ms(), self._parallel - len(claimed), claimed)
                except (StoreFailed, Unavailable) as error:
                    log.error("what is due cannot be read", action=f"{self._name}.read", error=str(error))
                    await self._clock.sleep(PAUSE_S)
                    continue
                for item in found.items:
                    self._claimed.add(item.id)
                    tasks.create_task(self._one(item))
                await self._wait(found.next_ms)

    async def _one(self, item: T) -> None:
        try:
            await self._work(item)
        except (StoreFailed, Unavailable) as error:
            log.error("work stays as it was", action=f"{self._name}.kept", id=item.id, error=str(error))
            await self._clock.sleep(PAUSE_S)
        except Exception:  # a bug of ours must neither lose the row nor stop the others
            log.exception("work failed unexpectedly", action=f"{self._name}.bug", id=item.id)
            await self._clock.sleep(PAUSE_S)
        finally:
            self._claimed.discard(item.id)
            self._wake.set()

    async def _wait(self, next_ms: int | None) -> None:
        """Until something is added or over, or the next row falls due."""
        if next_ms is None or len(self._claimed) >= self._parallel:
            await self._wake.wait()
            return
        sleeping = asyncio.ensure_future(sleep_until(self._clock, next_ms, LONGEST_SLEEP_S))
        waking = asyncio.ensure_future(self._wake.wait())
        try:
            await asyncio.wait((sleeping, waking), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            waking.cancel()
