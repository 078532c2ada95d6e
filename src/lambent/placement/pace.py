"""How fast a function may grow: so many environments in each ten seconds, refilled all the time.

Source: Lambda Developer Guide, "Lambda scaling behavior" (each function may add 1,000 environments
every 10 seconds; what is left does not add up beyond that). Off unless the operator sets it. AWS does
not say which ThrottleReason goes with it; the one for concurrency is our choice.
"""

from lambent.model.function import FunctionKey
from lambent.placement.buckets import Buckets

WINDOW_S = 10.0


class Pace:
    """Args: most: environments in each window; 0 is no limit."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._buckets = Buckets[FunctionKey](WINDOW_S)

    def take(self, function: FunctionKey, now_s: float) -> bool:
        """Whether `function` may add one environment now; it counts if so."""
        return not self._most or self._buckets.take(function, self._most, 1, now_s) == 1
