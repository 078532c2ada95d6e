"""Who may use the slots of the queue: one lane for each function that has events. Pure.

The rule: while n functions have events that are due, each may hold one part in n + 1 of the slots.
So nobody holds all of them, however many events it has, and who comes next finds some free. What
a function holds beyond its part, because it came when fewer were there, it keeps until it is done.

Who is throttled is given no more than what ran at that moment, and a little more again once that has gone well for a
while. Otherwise all events of a function with little concurrency would be tried at the same moment, one would run, and
the others would wait ever longer, until they are too old, while nothing runs.

Rejected: one row in order of time, where a function with a million events, or one that takes
fifteen minutes for each, holds up everybody else's.
"""

from collections.abc import Iterable

from lambent.model.function import FunctionKey

NEVER_MS = 2**62
UNLIMITED = 2**31
ROUNDS_BEFORE_MORE, SHARE_MORE = 4, 4  # after 4 rounds without a throttle a quarter more, at least one


class Lane:
    """The events of one function: which are claimed, and when it is worth looking for more.

    `stamp` counts what was added; a look that began before an addition does not know it.
    """

    def __init__(self, key: FunctionKey) -> None:
        self.key = key
        self.claimed: set[int] = set()
        self.next_ms = 0
        self.stamp = 0
        self.limit, self._served = UNLIMITED, 0

    def expect(self, due_ms: int) -> None:
        """An event that is due then was added."""
        self.next_ms = min(self.next_ms, due_ms)
        self.stamp += 1

    def throttled(self) -> None:
        """One of the claimed found no concurrency."""
        self.limit, self._served = min(self.limit, max(1, len(self.claimed) - 1)), 0

    def served(self) -> None:
        """One of the claimed ran."""
        self._served += 1
        if self._served >= ROUNDS_BEFORE_MORE * self.limit:
            self.limit, self._served = self.limit + max(1, self.limit // SHARE_MORE), 0

    def looked(self, stamp: int, next_ms: int) -> None:
        """All that was due is claimed, and the next is due at `next_ms`: as of the look's beginning."""
        if stamp == self.stamp:
            self.next_ms = next_ms


class Lanes:
    """All lanes of one queue with `slots` slots."""

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._lanes: dict[FunctionKey, Lane] = {}

    @property
    def running(self) -> int:
        """How many events are claimed."""
        return sum(len(lane.claimed) for lane in self._lanes.values())

    def lane(self, key: FunctionKey) -> Lane:
        """The lane of a function, made if need be."""
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = Lane(key)
        return lane

    def room(self, now_ms: int) -> list[tuple[Lane, int]]:
        """Where to look for events now, and how many each may claim."""
        due = [lane for lane in self._lanes.values() if lane.next_ms <= now_ms]
        busy = sum(1 for lane in self._lanes.values() if lane.claimed and lane.next_ms > now_ms)
        part = max(1, self._slots // (len(due) + busy + 1))
        free, found = self._slots - self.running, []
        for lane in sorted(due, key=lambda lane: len(lane.claimed)):  # who has least comes first
            count = min(min(part, lane.limit) - len(lane.claimed), free)
            if count > 0:
                found.append((lane, count))
                free -= count
        return found

    def next_ms(self, now_ms: int) -> int:
        """When something falls due that is not due now; NEVER_MS when only a claim's end changes anything."""
        return min((lane.next_ms for lane in self._lanes.values() if lane.next_ms > now_ms), default=NEVER_MS)

    def tidy(self, lanes: Iterable[Lane]) -> None:
        """Forget those that have nothing left."""
        for lane in lanes:
            if not lane.claimed and lane.next_ms == NEVER_MS:
                self._lanes.pop(lane.key, None)
