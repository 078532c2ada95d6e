"""Time, injected. Everything that waits or stamps asks a `Clock`.

`SystemClock` is real; `FakeClock` stands still until a test advances it, and then wakes the
sleepers in the order of their deadlines. `ShiftedClock` goes on by itself, and jumps ahead when a
person says so: the clock of a development server (docs/guides/test-clock.md).
"""

import asyncio
import heapq
import itertools
import math
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the platform may know of time."""

    def now_s(self) -> float:
        """Seconds since the epoch."""

    def now_ms(self) -> int:
        """Whole milliseconds since the epoch."""

    def monotonic_s(self) -> float:
        """Seconds that never run backwards, for durations."""

    def machine_s(self) -> float:
        """Seconds since the epoch as everything outside the platform has them: whoever signs requests, and the
        inside of a sandbox. Differs from `now_s` only where somebody has moved the platform's time."""

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`; at once for zero or less, but never without yielding."""


async def sleep_until(clock: Clock, due_ms: int, longest_s: float = math.inf) -> None:
    """Sleep until that time, but no longer than `longest_s`.

    What is left is taken when the sleep begins, not when its task is made: between the two the clock may be moved.
    """
    await clock.sleep(min((due_ms - clock.now_ms()) / 1000, longest_s))


class SystemClock:
    """The machine's own clocks."""

    def now_s(self) -> float:
        return time.time()

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic_s(self) -> float:
        return time.monotonic()

    def machine_s(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))


class ShiftedClock:
    """The machine's clock, and so many seconds more. Belongs to one event loop.

    Moving it wakes whoever sleeps and is due by then, the earliest first. It finds itself at the new time, as on
    a machine that was asleep. Durations (`monotonic_s`) go on as ever: what runs does not time out.
    """

    def __init__(self, shift_s: float = 0.0) -> None:
        self.shift_s = shift_s
        self._sleepers: dict[asyncio.Future[None], tuple[float, asyncio.TimerHandle]] = {}

    def now_s(self) -> float:
        return time.time() + self.shift_s

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000 + round(self.shift_s * 1000)

    def monotonic_s(self) -> float:
        return time.monotonic()

    def machine_s(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        loop = asyncio.get_running_loop()
        wake: asyncio.Future[None] = loop.create_future()
        self._sleepers[wake] = time.monotonic() + self.shift_s + seconds, loop.call_later(seconds, _ring, wake)
        try:
            await wake
        finally:
            self._sleepers.pop(wake)[1].cancel()

    def move_to(self, shift_s: float) -> None:
        """Be so far ahead of the machine from now on."""
        self.shift_s = shift_s
        now_s = time.monotonic() + shift_s
        for wake, (due_s, timer) in sorted(self._sleepers.items(), key=lambda each: each[1][0]):
            timer.cancel()
            if due_s <= now_s:
                _ring(wake)
            else:
                later = asyncio.get_running_loop().call_later(due_s - now_s, _ring, wake)
                self._sleepers[wake] = due_s, later


def _ring(wake: asyncio.Future[None]) -> None:
    if not wake.done():
        wake.set_result(None)


class FakeClock:
    """A clock that only `advance` moves."""

    def __init__(self, start_s: float = 1_700_000_000.0) -> None:
        self._now_s = start_s
        self._start_s = start_s
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def now_s(self) -> float:
        return self._now_s

    def now_ms(self) -> int:
        return round(self._now_s * 1000)

    def monotonic_s(self) -> float:
        return self._now_s - self._start_s

    def machine_s(self) -> float:
        return self._now_s

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        wake: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now_s + seconds, next(self._order), wake))
        await wake

    async def advance(self, seconds: float) -> None:
        """Move time by `seconds`, waking each sleeper at its own deadline and letting it run."""
        target_s = self._now_s + seconds
        await self._settle()
        while self._sleepers and self._sleepers[0][0] <= target_s:
            deadline_s, _, wake = heapq.heappop(self._sleepers)
            self._now_s = max(self._now_s, deadline_s)
            if not wake.done():
                wake.set_result(None)
            await self._settle()
        self._now_s = target_s

    @staticmethod
    async def _settle() -> None:
        for _ in range(5):  # enough turns for a woken task to reach its next wait
            await asyncio.sleep(0)


def iso_seconds(epoch_s: float) -> str:
    """`2026-11-23T12:00:00Z`, as SDKs read the date of expiry of credentials."""
    return datetime.fromtimestamp(epoch_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def iso_millis(epoch_ms: int) -> str:
    """`2026-01-31T23:59:59.123+0000`, the form of LastModified in Lambda's answers."""
    moment = datetime.fromtimestamp(epoch_ms / 1000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{epoch_ms % 1000:03d}+0000"
