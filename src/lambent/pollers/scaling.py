"""How many batches of a queue may run at once. Pure.

Five at first; while all that may run do run and messages still wait, 300 more a minute, up to 1,250; fewer again when
they are not needed. A throttle halves the number, at most once a second, and from five seconds later it grows again.

Source: Lambda Developer Guide, "Scaling behavior for Amazon SQS event source mappings" (five, 300 a minute, 1,250),
"Configuring maximum concurrency for Amazon SQS event sources". How fast it shrinks, and the halving, are our own.
"""

FIRST, MOST = 5, 1_250
A_SECOND = 300 / 60
THROTTLE_REST_S, RECOVERY_S = 1.0, 5.0
SHORTEST_STEP_S = 0.001


class Scaling:
    """The number for one mapping. `pressed` is set by the caller: every slot is taken, and messages wait."""

    def __init__(self, now_s: float) -> None:
        self._level, self._seen_s, self.pressed = float(FIRST), now_s, False
        self._throttled_s = now_s - RECOVERY_S

    def allowed(self, most: int | None = None) -> int:
        """How many batches may run, of `most` that the mapping allows itself."""
        return min(int(self._level), MOST if most is None else most)

    def may_grow(self, most: int | None = None) -> bool:
        """Whether pressure would let more run than now."""
        return self._level < (MOST if most is None else most)

    def settle(self, now_s: float) -> None:
        """Let time pass, which was under pressure or not."""
        elapsed_s = now_s - self._seen_s
        growing_s = max(0.0, min(elapsed_s, now_s - self._throttled_s - RECOVERY_S))
        self._seen_s = now_s
        if self.pressed:
            self._level = min(self._level + growing_s * A_SECOND, float(MOST))
        elif self._level > FIRST:
            self._level = max(self._level - elapsed_s * A_SECOND, float(FIRST))
        else:
            self._level = min(self._level + growing_s * A_SECOND, float(FIRST))

    def throttled(self, now_s: float) -> None:
        """An invocation was refused for lack of concurrency."""
        if now_s - self._throttled_s >= THROTTLE_REST_S:
            self._throttled_s, self._level = now_s, max(1.0, self._level / 2)

    def next_step_s(self) -> float:
        """How long it takes under pressure until one more may run."""
        return max(SHORTEST_STEP_S, (int(self._level) + 1 - self._level) / A_SECOND)
