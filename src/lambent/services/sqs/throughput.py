"""How often a FIFO queue may be called: FifoThroughputLimit. Pure but for what it counts.

perQueue: so many calls a second of each action on the queue. perMessageGroupId: so many sends a second into each
group, and no limit for receivers. Standard queues have none. Counted in whole seconds.

Source: SQS Developer Guide, "Amazon SQS message quotas": 300 calls a second for each action without high throughput,
and the same for each group with it.
"""

from collections.abc import Iterable

from lambent.services.sqs.errors import RequestThrottled
from lambent.services.sqs.model import Queue


class Throughput:
    """Counts calls; everything happens on the event loop."""

    def __init__(self, calls_per_s: int) -> None:
        self._calls_per_s = calls_per_s
        self._second = 0
        self._calls: dict[tuple[int, str, str], int] = {}

    def count(self, now_ms: int, queue: Queue, action: str, groups: Iterable[str] = ()) -> None:
        """Note a call of `action`, which puts messages into `groups`.

        Raises:
            RequestThrottled: it is one too many in this second.
        """
        if not queue.settings.fifo:
            return
        if now_ms // 1000 != self._second:
            self._second = now_ms // 1000
            self._calls.clear()
        for group in set(groups) if queue.settings.group_throughput else ("",):
            key = queue.id, action, group
            calls = self._calls.get(key, 0)
            if calls >= self._calls_per_s:
                raise RequestThrottled(
                    f"Rate exceeded: {action} may be called {self._calls_per_s} times a second on this "
                    f"{'message group' if group else 'queue'} (FifoThroughputLimit). Use batches, or high throughput."
                )
            self._calls[key] = calls + 1
