"""Ready-made sandboxes of one interpreter, so that a first invocation does not wait for the kernel.

Knows: how many wait, how many are being made, who waits for one. Does not know how one is made:
`make` is given. A request takes what is ready, or else whichever comes ready first; no more are
begun than there are requests and empty places. A failure is the oldest request's to hear; when
nobody waits it is logged, and tried again at the next request, so that a broken host does not spin.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Generic, Protocol, TypeVar

import structlog

from lambent.sandbox.api import SandboxFailure

log = structlog.get_logger()


class Stoppable(Protocol):
    """What a pool may hold."""

    @property
    def alive(self) -> bool:
        """Whether it is still good for anything."""

    async def stop(self) -> None:
        """Leave nothing behind."""


S = TypeVar("S", bound=Stoppable)


class Pool(Generic[S]):
    """Keeps `size` of what `make` makes ready. `take` may be called by many tasks.

    After something ready was taken, `rest` is waited for before the next is made, so that making it does
    not compete for the CPU with the start that took it.
    """

    def __init__(self, make: Callable[[], Awaitable[S]], size: int, rest: Callable[[], Awaitable[None]]) -> None:
        self._make, self._size, self._rest = make, size, rest
        self._ready: deque[S] = deque()
        self._waiting: deque[asyncio.Future[S]] = deque()
        self._making: set[asyncio.Task[None]] = set()
        self._resting: set[asyncio.Task[None]] = set()
        self._closed = False

    def statistics(self) -> dict[str, int]:
        """How many are ready, in the making, and waited for."""
        return {"ready": len(self._ready), "making": len(self._making), "waiting": len(self._waiting)}

    def fill(self) -> None:
        """Begin to make what is missing."""
        while not self._closed and len(self._making) < self._size - len(self._ready) + len(self._waiting):
            _begin(self._add(), self._making)

    async def take(self) -> S:
        """One, now the caller's.

        Raises:
            SandboxFailure: it could not be made.
        """
        while self._ready:
            taken = self._ready.popleft()
            if taken.alive:
                _begin(self._fill_later(), self._resting)
                return taken
            await taken.stop()  # its zygote has died, or somebody killed it
        future: asyncio.Future[S] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        self.fill()
        return await future

    async def _fill_later(self) -> None:
        await self._rest()
        self.fill()

    async def _add(self) -> None:
        try:
            made = await self._make()
        except SandboxFailure as error:
            self._failed(error)
            return
        if self._closed:
            await made.stop()
            return
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_result(made)
                return
        self._ready.append(made)

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
        for task in self._resting:
            task.cancel()
        await asyncio.gather(*(sandbox.stop() for sandbox in self._ready), *self._making)
        await asyncio.gather(*self._resting, return_exceptions=True)
        self._ready.clear()


def _begin(work: Coroutine[Any, Any, None], owner: set[asyncio.Task[None]]) -> None:
    task = asyncio.get_running_loop().create_task(work)
    owner.add(task)
    task.add_done_callback(owner.discard)
