"""How many sandboxes should wait ready-made: a little more than nothing, or as many as were lately needed at once.

Pure. A burst often comes again (a schedule, a page that makes twenty calls), and what was ready-made then
costs half as much of its time. So the most starts seen within BURST_S are kept in reserve, within bounds,
until CALM_S have passed without so many. The figures behind it: docs/decisions/0005-sandbox.md. What is dear to
keep (a started interpreter) waits only for so long as its like was lately used.
"""

from collections import deque

BURST_S = 1.0
CALM_S = 300.0


class Depth:
    """`least` always, or until nothing was taken for `idle_s`; `most` at most."""

    def __init__(self, least: int, most: int, idle_s: float = float("inf")) -> None:
        self._least, self._idle_s = least, idle_s
        self._used_s: float | None = None
        self._recent_s: deque[float] = deque(maxlen=max(least, most))
        self._peak, self._peak_s = 0, 0.0

    def taken(self, now_s: float) -> None:
        """One start."""
        self._used_s = now_s
        self._recent_s.append(now_s)
        self._look(now_s)

    def expected(self, now_s: float) -> None:
        """One may start soon."""
        self._used_s = now_s

    @property
    def least(self) -> int:
        """As few as it ever gets."""
        return self._least if self._idle_s == float("inf") else 0

    def wanted(self, now_s: float) -> int:
        """How many should be ready."""
        self._look(now_s)
        if self._used_s is None:
            self._used_s = now_s
        return max(self._least if now_s - self._used_s <= self._idle_s else 0, self._peak)

    def _look(self, now_s: float) -> None:
        while self._recent_s and self._recent_s[0] <= now_s - BURST_S:
            self._recent_s.popleft()
        if len(self._recent_s) >= self._peak or now_s - self._peak_s > CALM_S:
            self._peak, self._peak_s = len(self._recent_s), now_s
