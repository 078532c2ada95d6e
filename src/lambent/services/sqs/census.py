"""How many messages of a lane are visible, in flight and delayed: exact at every moment, and in memory. Pure.

Counting rows for each call would cost more than the call; so the counts follow the rows. What is hidden is counted by
the millisecond at which it becomes visible, in flight (it was received) apart from delayed (it never was). Messages
that were received together share a millisecond, so this stays small: a million waiting messages need none of it.

Every change is told after it was committed, in the order of the commits. The moment at which the next hidden message
becomes visible is what long polls and alarms wait for.
"""

import heapq

from msgspec import Struct


class Counts(Struct, frozen=True):
    """ApproximateNumberOfMessages, ...NotVisible and ...Delayed."""

    visible: int
    in_flight: int
    delayed: int


class Change(Struct, frozen=True):
    """One message entered (`was_ms` None), left (`is_ms` None) or moved in time."""

    was_ms: int | None = None
    was_received: bool = False
    is_ms: int | None = None
    is_received: bool = False


class Census:
    """The counts of one lane."""

    def __init__(self) -> None:
        self._total = self._in_flight = self._delayed = 0
        self._hidden: dict[int, list[int]] = {}  # millisecond -> [in flight, delayed]
        self._moments: list[int] = []
        self._settled_ms = 0

    def settle(self, now_ms: int) -> int:
        """Let time pass; how many messages became visible."""
        became = 0
        self._settled_ms = max(self._settled_ms, now_ms)
        while self._moments and self._moments[0] <= self._settled_ms:
            in_flight, delayed = self._hidden.pop(heapq.heappop(self._moments))
            self._in_flight -= in_flight
            self._delayed -= delayed
            became += in_flight + delayed
        return became

    def tell(self, change: Change) -> None:
        """Follow one change."""
        if change.was_ms is not None:
            self._count(change.was_ms, change.was_received, -1)
        if change.is_ms is not None:
            self._count(change.is_ms, change.is_received, 1)

    def add(self, visible_ms: int, received: bool, count: int) -> None:
        """So many messages are there: at opening."""
        self._count(visible_ms, received, count)

    @property
    def counts(self) -> Counts:
        """The counts at the moment that was settled last."""
        return Counts(self._total - self._in_flight - self._delayed, self._in_flight, self._delayed)

    def next_moment_ms(self) -> int | None:
        """When the next hidden message becomes visible."""
        while self._moments and self._hidden[self._moments[0]] == [0, 0]:
            del self._hidden[heapq.heappop(self._moments)]
        return self._moments[0] if self._moments else None

    def _count(self, visible_ms: int, received: bool, count: int) -> None:
        self._total += count
        if visible_ms <= self._settled_ms:
            return
        if received:
            self._in_flight += count
        else:
            self._delayed += count
        bucket = self._hidden.get(visible_ms)
        if bucket is None:
            bucket = self._hidden[visible_ms] = [0, 0]
            heapq.heappush(self._moments, visible_ms)
        bucket[0 if received else 1] += count
