"""How processes that accept from one socket share its connections: who has the fewest takes the next.

The kernel wakes all of them, and the first one awake takes what is there. Clients keep connections for long (an SDK's
pool, a WebSocket), so that what fell to one of them in one moment would stay with it: all of a load on one, the others
idle. Each of them tells how many it has in memory that all of them map; it is read without asking anybody, and a dead
one's old figure does no harm, since nobody waits for another for longer than a moment (`doorman`).
"""

import mmap
from collections.abc import Callable

WIDTH = 8  # bytes of a count


class LeastConnections:
    """The counts of all, of which one is ours.

    Args:
        memory: of `shared_counts`, made before the processes were forked.
        number: ours, from 0.
        besides: connections of ours that the asker does not count itself.
    """

    def __init__(self, memory: mmap.mmap, number: int, besides: Callable[[], int] = lambda: 0) -> None:
        self._counts = memoryview(memory).cast("Q")
        self._number, self._besides = number, besides

    def tell(self, count: int) -> None:
        """We have so many now."""
        self._counts[self._number] = count + self._besides()

    def ahead(self, count: int) -> int:
        """Tell that we have `count`; how many more that is than the one with the fewest has."""
        self.tell(count)
        return self._counts[self._number] - min(self._counts)


def shared_counts(processes: int) -> mmap.mmap:
    """Memory for the counts of as many, all 0, that the children of this process share with it."""
    return mmap.mmap(-1, WIDTH * processes)
