"""Walking through chunks in the order of their events. Pure but for the `fetch` it is given.

Chunks overlap in time (streams interleave, and PutLogEvents may bring older events), so they are
merged: going forward, chunks come by their first moment, and an event may leave as soon as no
chunk that is still to come could hold an earlier one. Backward is the same in a mirror.
"""

import heapq
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, NamedTuple

from lambent.services.logs.chunks import unpack
from lambent.services.logs.positions import END, LATEST_MS, START, position_of
from lambent.store.api import Row

CHUNKS_AT_ONCE = 16


class Found(NamedTuple):
    """One event on its way to the caller."""

    position: int
    time_ms: int
    stream: str
    message: str
    ingested_ms: int


class Range(NamedTuple):
    """Which events are wanted: by time, both ends included, and by position."""

    from_ms: int = 0
    until_ms: int = LATEST_MS
    from_position: int = START
    before_position: int = END


Fetch = Callable[[dict[str, Any]], Sequence[Row]]
"""The next chunks after `after_ms` and `after_id`, in the order of the walk; fewer than `limit` at the end."""


def walk_forward(fetch: Fetch, wanted: Range, streams: Collection[str] = ()) -> Iterator[Found]:
    """The wanted events, the earliest first; of these streams, if any are named."""
    waiting: list[Found] = []
    for row in _chunks(fetch, "first_ms", -1, -1):
        while waiting and waiting[0].time_ms < row["first_ms"]:
            yield heapq.heappop(waiting)
        if streams and row["stream"] not in streams:
            continue
        for found in _events(row, wanted):
            heapq.heappush(waiting, found)
    while waiting:
        yield heapq.heappop(waiting)


def walk_backward(fetch: Fetch, wanted: Range, streams: Collection[str] = ()) -> Iterator[Found]:
    """The wanted events, the latest first; of these streams, if any are named."""
    waiting: list[tuple[int, Found]] = []
    for row in _chunks(fetch, "last_ms", LATEST_MS, LATEST_MS):
        while waiting and waiting[0][1].time_ms > row["last_ms"]:
            yield heapq.heappop(waiting)[1]
        if streams and row["stream"] not in streams:
            continue
        for found in _events(row, wanted):
            heapq.heappush(waiting, (-found.position, found))
    while waiting:
        yield heapq.heappop(waiting)[1]


def _chunks(fetch: Fetch, order: str, after_ms: int, after_id: int) -> Iterator[Row]:
    while True:
        rows = fetch({"after_ms": after_ms, "after_id": after_id, "limit": CHUNKS_AT_ONCE})
        yield from rows
        if len(rows) < CHUNKS_AT_ONCE:
            return
        after_ms, after_id = rows[-1][order], rows[-1]["id"]


def _events(row: Row, wanted: Range) -> Iterator[Found]:
    chunk_id, stream, ingested_ms = row["id"], row["stream"], row["ingested_ms"]
    for index, (time_ms, message) in enumerate(unpack(row["body"])):
        position = position_of(time_ms, chunk_id, index)
        if wanted.from_ms <= time_ms <= wanted.until_ms and wanted.from_position <= position < wanted.before_position:
            yield Found(position, time_ms, stream, message, ingested_ms)
