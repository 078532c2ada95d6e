"""How long a benchmark waits for a server that does not get on: as long as something changes, and a minute more."""

import time
from typing import Any

LONGEST_STANDSTILL_S = 60.0


class Patience:
    """For loops that look again and again.

        patience = Patience("messages are deleted")
        while (deleted := look()) < count:
            patience.wait(deleted)

    Args:
        what: what has to go on, for the sentence that ends the benchmark when it does not.
    """

    def __init__(self, what: str, pause_s: float = 0.05) -> None:
        self._what, self._pause_s = what, pause_s
        self._seen: Any = None
        self._changed_s = time.monotonic()

    def wait(self, seen: Any = None) -> None:
        """A moment."""
        now_s = time.monotonic()
        if seen != self._seen:
            self._seen, self._changed_s = seen, now_s
        elif now_s - self._changed_s > LONGEST_STANDSTILL_S:
            raise SystemExit(f"for {LONGEST_STANDSTILL_S:.0f} s nothing went on: {self._what} (now {seen})")
        time.sleep(self._pause_s)
