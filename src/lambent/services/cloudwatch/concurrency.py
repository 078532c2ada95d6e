"""How many environments were busy at once, out of the records of what they did. Pure.

A record is written when its invocation is over, so one that still runs is counted later, for the whole of its time.
Records come in passes: each looks back at the last intervals of those before, as far as they meet its own.

Starts are cut to milliseconds, so that two invocations of one environment may seem to overlap; as it does one thing
at a time, the later then begins when the earlier ends.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence

from msgspec import Struct

MINUTE_MS = 60_000
MOST_KEPT = 1_000  # what an account may run at once by default
SHORTEST_MS = 0.001
Interval = tuple[float, float]
"""Until and from, in epoch milliseconds."""


class Busy(Struct, frozen=True):
    """What a pass leaves for the next: the last intervals of each thing that is counted, by their ends; and when each
    environment was free again."""

    kept: Mapping[tuple[str, ...], Sequence[Interval]] = {}
    free_ms: Mapping[str, float] = {}


def shorn(free_ms: dict[str, float], environment: str, from_ms: float, until_ms: float) -> Interval:
    """The interval without what its environment spent on the one before. Keeps `free_ms`."""
    begin_ms = max(from_ms, free_ms.get(environment, from_ms))
    free_ms[environment] = end_ms = max(until_ms, begin_ms + SHORTEST_MS)
    return end_ms, begin_ms


def met(kept: Sequence[Interval], intervals: Sequence[Interval]) -> tuple[dict[int, int], list[Interval]]:
    """The peaks of a pass by minute, and what is to be kept for the next."""
    first_ms = min(intervals, key=_begin)[1]
    meeting = [each for each in kept if each[0] > first_ms]
    meeting += intervals
    meeting.sort()
    return peaks(meeting), meeting[-MOST_KEPT:]


def peaks(intervals: Sequence[Interval]) -> dict[int, int]:
    """The most that overlap in each minute, in epoch seconds; `intervals` rise by their ends."""
    ends = [end for end, _ in intervals]
    begins = sorted([begin for _, begin in intervals])
    found: dict[int, int] = {}
    at, count = 0, len(begins)
    for minute in range(int(begins[0] // MINUTE_MS), int(ends[-1] // MINUTE_MS) + 1):
        # When the i-th begins, i + 1 have begun, less those that have ended.
        begun = bisect_right(begins, (minute + 1) * MINUTE_MS - SHORTEST_MS, at)
        peak = at - bisect_right(ends, minute * MINUTE_MS)  # busy when the minute begins
        if begun > at:
            peak = max(peak, *[i + 1 - bisect_right(ends, begins[i]) for i in range(at, begun)])
        at = min(begun, count)
        if peak > 0:
            found[minute * 60] = peak
    return found


def _begin(interval: Interval) -> float:
    return interval[1]
