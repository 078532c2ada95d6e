"""What memory knows of a queue's messages: the counts, and who waits for one.

A long poll waits on a future. It is woken by whatever makes a message visible: a send, a release, a deletion that
frees a FIFO group, or the moment at which the next hidden message becomes visible, for which one alarm a queue is set
while somebody waits. Nothing polls. As many are woken as messages became visible, the longest waiting first; one that
finds nothing waits again. `version` counts these events, so that one which happens between a look and the wait for
the next is not missed.
"""

import asyncio
from collections import deque
from collections.abc import Iterable

from lambent.clock import Clock
from lambent.services.sqs.census import Census, Change, Counts

Waiter = asyncio.Future[bool]
"""Done with True to look again, with False to go home."""


class Line:
    """The live side of one queue. Everything happens on the event loop."""

    def __init__(self, clock: Clock, census: Census) -> None:
        self._clock, self.census = clock, census
        self._waiters: deque[Waiter] = deque()
        self._alarm: asyncio.Task[None] | None = None
        self._alarm_ms = 0
        self.version = 0
        self.closed = False

    def counts(self) -> Counts:
        """The counts now."""
        self.settle()
        return self.census.counts

    def settle(self) -> None:
        """Let time pass: what became visible is counted and told."""
        self._happened(self.census.settle(self._clock.now_ms()))

    def tell(self, census: Census, changes: Iterable[Change], freed: int = 0) -> None:
        """Follow committed changes of a lane and wake whom they concern. `freed` messages were visible already, and
        are now no longer behind another of their group. A lane that is not this queue's any more is let go."""
        if census is not self.census:
            return
        now_ms, visible = self._clock.now_ms(), freed + census.settle(self._clock.now_ms())
        for change in changes:
            census.tell(change)
            visible += change.is_ms is not None and change.is_ms <= now_ms
        self._happened(visible)
        if self._waiters:
            self._set_alarm()

    def start_anew(self) -> None:
        """The queue was purged: its new lane is empty."""
        self.census = Census()

    def close(self) -> None:
        """Nobody waits any longer: the queue is gone, or the platform stops."""
        self.closed = True
        self.dismiss()
        if self._alarm is not None:
            self._alarm.cancel()

    def dismiss(self) -> None:
        """Send everyone home who waits now."""
        while self._waiters:
            self._waiters.popleft().set_result(False)

    def join(self) -> Waiter:
        """A place in the line, done when there is something to know; to be left by `leave` if it was not done."""
        waiter: Waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        self._set_alarm()
        return waiter

    def leave(self, waiter: Waiter) -> None:
        """Give the place up without looking; a wake-up that came meanwhile goes to the next in line."""
        if waiter.done():
            self._happened(1)
        else:
            self._waiters.remove(waiter)

    def _happened(self, visible: int) -> None:
        self.version += visible > 0
        while visible > 0 and self._waiters:
            self._waiters.popleft().set_result(True)
            visible -= 1

    def _set_alarm(self) -> None:
        moment_ms = self.census.next_moment_ms()
        if moment_ms is None or (self._alarm is not None and self._alarm_ms <= moment_ms):
            return
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm_ms = moment_ms
        self._alarm = asyncio.get_running_loop().create_task(self._ring(moment_ms))

    async def _ring(self, moment_ms: int) -> None:
        while (left_ms := moment_ms - self._clock.now_ms()) > 0:  # a timer may ring a moment early
            await self._clock.sleep(left_ms / 1000)
        self._alarm = None
        self.settle()
        if self._waiters:
            self._set_alarm()
