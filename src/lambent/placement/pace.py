"""How fast a function may grow: so many environments in each ten seconds, refilled all the time.

Source: Lambda Developer Guide, "Lambda scaling behavior" (each function may add 1,000 environments
every 10 seconds; what is left does not add up beyond that). Off unless the operator sets it. AWS does
not say which ThrottleReason goes with it; the one for concurrency is our choice.
"""

from msgspec import Struct

from lambent.model.function import FunctionKey

WINDOW_S = 10.0


class Bucket(Struct):
    """What a function has left, as of `at_s`."""

    left: float
    at_s: float


class Pace:
    """Args: most: environments in each window; 0 is no limit."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._buckets: dict[FunctionKey, Bucket] = {}

    def take(self, function: FunctionKey, now_s: float) -> bool:
        """Whether `function` may add one environment now; it counts if so."""
        if not self._most:
            return True
        bucket = self._buckets.pop(function, None) or Bucket(self._most, now_s)
        self._buckets[function] = bucket  # the one that grew last comes last
        self._forget_full(now_s)
        bucket.left = min(self._most, bucket.left + (now_s - bucket.at_s) * self._most / WINDOW_S)
        bucket.at_s = now_s
        if bucket.left < 1.0:
            return False
        bucket.left -= 1.0
        return True

    def _forget_full(self, now_s: float) -> None:
        """Drop those that have everything again."""
        while len(self._buckets) > 1 and now_s - next(iter(self._buckets.values())).at_s > WINDOW_S:
            del self._buckets[next(iter(self._buckets))]
