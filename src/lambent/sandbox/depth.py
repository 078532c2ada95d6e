"""How many sandboxes should wait ready-made: a little more than nothing, or as many as were lately needed at once.

Pure. A burst often comes again (a schedule, a page that makes twenty calls), and what was ready-made then
costs half as much of its time. So the most starts seen within BURST_S are kept in reserve, within bounds,
until CALM_S have passed without so many. The figures behind it: docs/decisions/0005-sandbox.md.
"""

from collections import deque

BURST_S = 1.0
CALM_S = 300.0


class Depth:
    """`least` always, `most` at most."""

    def __init__(self, least: int, most: int) -> None:
        self.least = least
        self._recent_s: deque[float] = deque(maxlen=max(least, most))
        self._peak, self._peak_s = 0, 0.0

    def taken(self, now_s: float) -> None:
        """One start."""
        self._recent_s.append(now_s)
        self._look(now_s)

    def wanted(self, now_s: float) -> int:
        """How many should be ready."""
        self._look(now_s)
        return max(self.least, self._peak)

    def _look(self, now_s: float) -> None:
        while self._recent_s and self._recent_s[0] <= now_s - BURST_S:
            self._recent_s.popleft()
        if len(self._recent_s) >= self._peak or now_s - self._peak_s > CALM_S:
            self._peak, self._peak_s = len(self._recent_s), now_s
