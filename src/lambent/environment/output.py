"""What a function wrote, as log lines; pure, knows no pipe and no clock.

A line is what ends with a newline. A NUL begins a log event, which reaches to the next newline
and whose own newlines were written as NUL; what stands before the NUL on the same line is a line
of its own (an unfinished print before a logging call).

Memory is bounded: from `limit_bytes` on, what comes is counted and dropped until the lines are
taken, and one line at the end says how much is missing. A line longer than CloudWatch Logs takes
is cut into several. Bytes that are not UTF-8 are replaced.

Source: CloudWatch Logs API, PutLogEvents (a log event of up to 256 KB). The limit over all lines
is our own.
"""

from collections.abc import Callable

from lambent.environment.log_level import is_kept
from lambent.model.invocation import LogLine

EVENT_LIMIT_BYTES = 256 * 1024
DEFAULT_LIMIT_BYTES = 4 * 1024 * 1024
LINE_COST_BYTES = 120  # what a LogLine takes besides its text, so that empty lines count too


class OutputBuffer:
    """The lines since they were last taken, but for those below `least_level` (`log_level.py`)."""

    def __init__(self, limit_bytes: int = DEFAULT_LIMIT_BYTES, least_level: str = "") -> None:
        self._limit_bytes, self._least_level = limit_bytes, least_level
        self.listener: Callable[[LogLine], None] | None = None  # hears of each line when it is there
        self._lines: list[LogLine] = []
        self._held_bytes = 0
        self._dropped_bytes = self._unkept_bytes = 0
        self._dropped_ms = 0
        self._partial = bytearray()
        self._partial_ms = 0

    @property
    def full(self) -> bool:
        """Whether whoever writes is to be slowed down: what comes now would be dropped, or as much as may be kept has
        come that its level does not keep, and each line of that costs as much to look at."""
        return self._dropped_bytes > 0 or self._unkept_bytes > self._limit_bytes

    def feed(self, data: bytes, time_ms: int) -> None:
        """Take what was read from the pipe at `time_ms`."""
        if self._dropped_bytes or self._held_bytes + len(self._partial) + len(data) > self._limit_bytes:
            self._drop(len(data), time_ms)
            return
        *complete, rest = data.split(b"\n")
        if complete and self._partial:
            self._partial += complete[0]
            self._line(bytes(self._partial), self._partial_ms)
            self._partial.clear()
            del complete[0]
        for line in complete:
            self._line(line, time_ms)
        if rest:
            if not self._partial:
                self._partial_ms = time_ms
            self._partial += rest

    def finish(self) -> None:
        """An invocation is over: an unfinished line is a line."""
        if self._partial:
            self._line(bytes(self._partial), self._partial_ms)
            self._partial.clear()

    def take(self) -> list[LogLine]:
        """The complete lines since the last call; there is room again."""
        self._unkept_bytes = 0
        if not self._lines and not self._dropped_bytes:
            return []
        lines, self._lines = self._lines, []
        if self._dropped_bytes:
            lines.append(LogLine(self._dropped_ms, _dropped_notice(self._dropped_bytes, self._limit_bytes)))
        self._held_bytes = self._dropped_bytes = 0
        return lines

    def _drop(self, count: int, time_ms: int) -> None:
        self.finish()
        self._dropped_bytes += count
        self._dropped_ms = time_ms

    def _line(self, line: bytes, time_ms: int) -> None:
        if b"\0" in line:
            before, _, event = line.partition(b"\0")
            if before:
                self._event(before, time_ms)
            line = event.replace(b"\0", b"\n")
        self._event(line, time_ms)

    def _event(self, event: bytes, time_ms: int) -> None:
        kept = is_kept(event, self._least_level)
        while len(event) > EVENT_LIMIT_BYTES:
            cut = _character_boundary(event, EVENT_LIMIT_BYTES)
            self._take_in(event[:cut], time_ms, kept=kept)
            event = event[cut:]
        self._take_in(event, time_ms, kept=kept)

    def _take_in(self, event: bytes, time_ms: int, *, kept: bool) -> None:
        line = LogLine(time_ms, event.decode("utf-8", "replace"))
        if kept:
            self._held_bytes += len(event) + LINE_COST_BYTES
            self._lines.append(line)
        else:
            self._unkept_bytes += len(event) + LINE_COST_BYTES
        if self.listener is not None:
            self.listener(line)


def _character_boundary(text: bytes, at: int) -> int:
    """`at`, or up to 3 bytes before, so that no UTF-8 character is cut."""
    for cut in range(at, at - 4, -1):
        if text[cut] & 0xC0 != 0x80:  # not a continuation byte
            return cut
    return at


def _dropped_notice(dropped_bytes: int, limit_bytes: int) -> str:
    return (
        f"[lambent] {dropped_bytes} bytes of output were dropped: one invocation may write {limit_bytes} bytes "
        "(each line counted with its overhead) to the log"
    )
