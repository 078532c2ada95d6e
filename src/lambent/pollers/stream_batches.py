"""What one lane reads of its shard, as batches.

A lane has the records whose item falls to it, in the stream's order, as far as the filter criteria want them. A batch
is closed by its size, by its window, before its event would be too large, and where a tumbling window ends: no batch
has records of two. A tumbling window ends when a record of a later one has been read, or when its time is over and
everything has been read; a record that comes later still counts to the window that is open then.

Source: Lambda Developer Guide, "Using Lambda with DynamoDB" (polling and batching), "Implementing stateful DynamoDB
stream processing". The grace after a window's end is our own.
"""

from collections import deque
from collections.abc import Iterable
from itertools import groupby

import msgspec
from msgspec import Struct

from lambent.clock import Clock
from lambent.patterns.api import FilterCriteria
from lambent.pollers.api import Change, Mapping, Page
from lambent.pollers.checkpoints import Lane, Spot
from lambent.pollers.counts import Counts
from lambent.pollers.gathering import Entry, Gathering, Limits
from lambent.pollers.stream_events import FRAME_BYTES, LARGEST_STATE_BYTES
from lambent.pollers.stream_feed import Feed

LONGEST_POLL_S = 20.0
GRACE_S = 1.0  # records are stamped just before they can be read


class Portion(Struct, frozen=True):
    """What is to be run next: a batch, or (`closes`) the end of a tumbling window."""

    changes: tuple[Change, ...]
    window_s: int | None = None
    closes: bool = False


class StreamBatches:
    """Reads on from a spot."""

    def __init__(self, mapping: Mapping, lane: Lane, spot: Spot, feed: Feed, clock: Clock) -> None:
        self._mapping, self._lane, self._feed, self._clock = mapping, lane, feed, clock
        self._criteria = FilterCriteria(mapping.filters)
        self._tumbling_s = 0 if mapping.stream is None else mapping.stream.tumbling_s
        self._gathering: Gathering[Change] = Gathering()
        self._window_s = spot.window_s
        self.position, self.ended = spot.position, spot.ended
        self.ready: deque[Portion] = deque()

    @property
    def idle(self) -> bool:
        """Whether nothing that was read is still to be run."""
        return not self.ready and not self._gathering and self._window_s is None

    async def read(self, event_bytes: int, counts: Counts) -> None:
        """Read what is there, waiting for it while nothing falls due. May be cancelled: what it had is read again."""
        state_bytes = LARGEST_STATE_BYTES if self._tumbling_s else 0
        limits = Limits(
            self._mapping.batch_size, float(self._mapping.window_s), event_bytes - FRAME_BYTES - state_bytes
        )
        page = await self._feed.read(self.position, self._wait_s())
        wanted = self._wanted(page, counts)
        upto = page.upto
        while page.more and len(wanted) < limits.size and sum(len(each.encoded) for each in wanted) < event_bytes:
            page = await self._feed.read(upto, 0.0)
            wanted += self._wanted(page, counts)
            upto = page.upto
        self.position = upto
        self._add(wanted, limits)
        self._let_time_pass(caught_up=not page.more, ended=page.ended)
        self.ended = page.ended

    def _wait_s(self) -> float:
        waits_s = [LONGEST_POLL_S]
        if self._gathering.until_s is not None:
            waits_s.append(self._gathering.until_s - self._clock.monotonic_s())
        if self._window_s is not None:
            waits_s.append(self._window_s + self._tumbling_s + GRACE_S - self._clock.now_s())
        return max(0.0, min(waits_s))

    def _wanted(self, page: Page, counts: Counts) -> list[Change]:
        mine = [change for change in page.changes if change.key % self._lane.lanes == self._lane.number]
        counts.add(self._mapping, "polled", len(mine))
        if not self._mapping.filters:
            return mine
        wanted = [change for change in mine if self._criteria.matches(msgspec.json.decode(change.encoded))]
        counts.add(self._mapping, "filtered_out", len(mine) - len(wanted))
        return wanted

    def _add(self, changes: Iterable[Change], limits: Limits) -> None:
        now_s = self._clock.monotonic_s()
        if not self._tumbling_s:
            self._close(self._gathering.add([Entry(change, change.encoded) for change in changes], limits, now_s))
            return
        for start_s, group in groupby(changes, lambda change: change.arrived_s // self._tumbling_s * self._tumbling_s):
            if self._window_s is not None and start_s > self._window_s:
                self._end_window()
            if self._window_s is None:
                self._window_s = start_s
            self._close(self._gathering.add([Entry(change, change.encoded) for change in group], limits, now_s))

    def _let_time_pass(self, *, caught_up: bool, ended: bool) -> None:
        self._close(self._gathering.due(self._clock.monotonic_s()))
        if ended and self._gathering:
            self._close([self._gathering.close()])
        if self._window_s is None:
            return
        over = self._clock.now_s() >= self._window_s + self._tumbling_s + GRACE_S
        if ended or (caught_up and over):
            self._end_window()

    def _end_window(self) -> None:
        if self._gathering:
            self._close([self._gathering.close()])
        self.ready.append(Portion((), self._window_s, closes=True))
        self._window_s = None

    def _close(self, batches: list[list[Entry[Change]]]) -> None:
        self.ready += [Portion(tuple(entry.item for entry in batch), self._window_s) for batch in batches]
