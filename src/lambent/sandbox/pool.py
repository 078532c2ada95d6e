"""Ready-made sandboxes of one interpreter, so that a first invocation does not wait for the kernel.

Knows: how many wait, how many are being made, who waits for one. Does not know how one is made:
`make` is given; nor how many should wait: `Depth` says. A request takes what is ready, or else whichever
comes ready first; no more are begun than there are requests. The reserve is filled one at a time, and only
when nothing was taken for a while, so that it never competes for the CPU with a burst that is going on. A
failure is the oldest request's to hear; when nobody waits it is logged, and tried again after the next
request, so that a broken host does not spin.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Generic, Protocol, TypeVar

import structlog

from lambent.clock import Clock
from lambent.sandbox.api import SandboxFailure
from lambent.sandbox.depth import Depth

REST_S = 0.03  # about what a cold start takes until its function is loaded
LOOK_S = 5.0  # how often a reserve that is too large is looked at

log = structlog.get_logger()


class Stoppable(Protocol):
    """What a pool may hold."""

    @property
    def alive(self) -> bool:
        """Whether it is still good for anything."""

    def stop(self) -> Coroutine[Any, Any, None]:
        """Leave nothing behind."""


S = TypeVar("S", bound=Stoppable)


class Pool(Generic[S]):
    """Keeps as many as `depth` wants of what `make` makes ready. `take` may be called by many tasks."""

    def __init__(
        self,
        make: Callable[[], Awaitable[S]],
        depth: Depth,
        clock: Clock,
        room: Callable[[], bool] = lambda: True,
    ) -> None:
        self._make, self._depth, self._clock, self._room = make, depth, clock, room
        self._ready: deque[S] = deque()
        self._waiting: deque[asyncio.Future[S]] = deque()
        self._making: set[asyncio.Task[bool]] = set()
        self._stopping: set[asyncio.Task[None]] = set()
        self._tending: asyncio.Task[None] | None = None
        self._taken_s = self.used_s = float("-inf")
        self._closed = self._looking = False

    def statistics(self) -> dict[str, int]:
        """How many are ready, in the making, and waited for."""
        return {"ready": len(self._ready), "making": len(self._making), "waiting": len(self._waiting)}

    @property
    def ready(self) -> list[S]:
        """What waits."""
        return list(self._ready)

    @property
    def kept(self) -> int:
        """How many wait or are being made."""
        return len(self._ready) + len(self._making)

    def expect(self) -> None:
        """One may be asked for soon."""
        self.used_s = self._clock.monotonic_s()
        self._depth.expected(self.used_s)
        self.fill()

    def give_one_up(self) -> bool:
        """Stop one that waits, for the good of another pool; whether there was one."""
        if not self._ready:
            return False
        task = asyncio.get_running_loop().create_task(self._ready.popleft().stop())
        self._stopping.add(task)
        task.add_done_callback(self._stopping.discard)
        return True

    def fill(self) -> None:
        """See to it that the reserve is as it should be."""
        if self._closed:
            return
        if self._looking and self._tending is not None:
            self._tending.cancel()  # it sleeps, for longer than a reserve may be empty
            self._tending = None
        if self._tending is None or self._tending.done():
            self._tending = asyncio.get_running_loop().create_task(self._tend())

    async def take(self) -> S:
        """One, now the caller's.

        Raises:
            SandboxFailure: it could not be made.
        """
        self._taken_s = self.used_s = self._clock.monotonic_s()
        self._depth.taken(self._taken_s)
        self.fill()
        while self._ready:
            taken = self._ready.popleft()
            if taken.alive:
                return taken
            await taken.stop()  # its zygote has died, or somebody killed it
        future: asyncio.Future[S] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        while len(self._making) < len(self._waiting):
            self._begin()
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled() and future.exception() is None:
                await self._put_back(future.result())  # it came in the moment in which its taker went
            raise

    async def _put_back(self, made: S) -> None:
        if self._closed:
            await made.stop()
        else:
            self._ready.append(made)

    async def _tend(self) -> None:
        """Fill or thin out the reserve, one after the other, until it is as small as it ever gets."""
        while True:
            now_s = self._clock.monotonic_s()
            wanted = self._depth.wanted(now_s)
            if self._waiting or self._making or now_s < self._taken_s + REST_S:
                await self._clock.sleep(REST_S)
            elif len(self._ready) < wanted and self._room():
                if not await asyncio.shield(self._begin()):
                    return
            elif len(self._ready) > wanted:
                await self._ready.popleft().stop()
            elif wanted == len(self._ready) == self._depth.least:
                return
            else:
                await self._look()

    async def _look(self) -> None:
        self._looking = True
        try:
            await self._clock.sleep(LOOK_S)
        finally:
            self._looking = False

    def _begin(self) -> asyncio.Task[bool]:
        task = asyncio.get_running_loop().create_task(self._add())
        self._making.add(task)
        task.add_done_callback(self._making.discard)
        return task

    async def _add(self) -> bool:
        """Make one; whether it could be made."""
        try:
            made = await self._make()
        except SandboxFailure as error:
            self._failed(error)
            return False
        except Exception as error:  # whatever it is: nobody may wait for ever (no descriptor or process is left, a bug)
            log.exception("a sandbox failed unexpectedly", action="sandbox.bug")
            self._failed(SandboxFailure(f"The sandbox could not be made: {error!r}"))
            return False
        while self._waiting and not self._closed:
            future = self._waiting.popleft()
            if not future.done():
                future.set_result(made)
                return True
        await self._put_back(made)
        return not self._closed

    def _failed(self, error: SandboxFailure) -> None:
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_exception(error)
                return
        log.error("no sandbox in reserve", action="sandbox.pool", error=error.message)

    async def close(self) -> None:
        """Stop what is ready, and what is still being made as soon as it is."""
        self._closed = True
        for future in self._waiting:
            future.cancel()
        if self._tending is not None:
            self._tending.cancel()
            await asyncio.gather(self._tending, return_exceptions=True)
        await asyncio.gather(*(sandbox.stop() for sandbox in self._ready), *self._making, *self._stopping)
        self._ready.clear()
