"""A deadline that is moved far more often than it is met.

Each invocation has one, and nearly every invocation ends long before it. So a timer of the event
loop is not made and cancelled for each, but left running: when it rings it looks whether the
deadline has moved, and if so sets itself anew. A busy environment makes one timer per timeout.
"""

import asyncio
from collections.abc import Callable

from lambent.clock import Clock

ROUNDING_S = 0.001  # event loops count in milliseconds
TOLERANCE_S = 1e-6  # differences of two large floats are not exact


class Deadline:
    """Calls `missed` when the clock passes the time that was last set."""

    def __init__(self, clock: Clock, missed: Callable[[], None]) -> None:
        self._clock = clock
        self._missed = missed
        self._loop = asyncio.get_running_loop()
        self._at_s: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_s = 0.0

    def set(self, at_s: float, now_s: float) -> None:
        """Miss at `at_s`, in the clock's monotonic seconds, `now_s` being the present."""
        self._at_s = at_s
        if self._timer is None or self._timer_s > at_s:
            self._start(at_s, now_s)

    def clear(self) -> None:
        """There is no deadline now."""
        self._at_s = None

    def close(self) -> None:
        """Never call again."""
        self._at_s = None
        if self._timer is not None:
            self._timer.cancel()

    def _start(self, at_s: float, now_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_s = at_s
        self._timer = self._loop.call_later(max(0.0, at_s - now_s) + ROUNDING_S, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._at_s is None:
            return
        now_s = self._clock.monotonic_s()
        if now_s + TOLERANCE_S < self._at_s:
            self._start(self._at_s, now_s)
            return
        self._at_s = None
        self._missed()
