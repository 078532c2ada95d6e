"""Loops that are meant to go on for ever, and go on after a failure that nobody thought of.

A loop catches what it knows how to live with (a full disk, a part that is away). Anything else is a bug of ours: it is
logged whole, and the loop begins again after a pause, because a part whose loop has ended looks well and does nothing.
Each begins by reading what there is, so that nothing is lost between two lives.

Does not know what the loops do.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog

from lambent.clock import Clock

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
STEADY_S = 60.0  # after a life of this length the pauses are short again

Loop = Callable[[], Awaitable[object]]
log = structlog.get_logger()


async def for_ever(name: str, loop: Loop, clock: Clock) -> None:
    """Run `loop` until it says that there is nothing to do, and again whenever it fails."""
    pause_s = FIRST_PAUSE_S
    while True:
        began_s = clock.monotonic_s()
        try:
            await loop()
            return
        except Exception:  # whatever it is: the next life begins with what is on disk
            log.exception("a loop failed and begins again", action="loop.failed", loop=name)
        if clock.monotonic_s() - began_s >= STEADY_S:
            pause_s = FIRST_PAUSE_S
        await clock.sleep(pause_s)
        pause_s = min(2 * pause_s, LONGEST_PAUSE_S)


class Loops:
    """The loops of one part, and what else goes on in it by itself. Owns their tasks; `close` waits for them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, name: str, loop: Loop) -> None:
        """Run a loop until `close`."""
        self.own(for_ever(name, loop, self._clock))

    def own(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something once; a failure is logged."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def close(self) -> None:
        """End all."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("work failed unexpectedly", action="loop.work", exc_info=task.exception())
