"""The read end of the pipe behind a function's stdout and stderr, on the event loop.

The function must never be stuck on a full pipe, and must not drown the edge: while the buffer has
room the pipe is read as it fills; when the buffer is full, what comes is dropped, and read only a
pipe's worth at a time with a pause between, which slows the writer down.
"""

import asyncio
import fcntl
import os
import termios

from lambent.clock import Clock
from lambent.environment.output import OutputBuffer

READ_BYTES = 65536
PAUSE_S = 0.005  # at most 13 MB/s from one function's flood


class OutputPipe:
    """Owns the descriptor; fills the buffer."""

    def __init__(self, fd: int, buffer: OutputBuffer, clock: Clock) -> None:
        self._fd = fd
        self._buffer = buffer
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._waiting = bytearray(4)
        self._pause: asyncio.TimerHandle | None = None
        os.set_blocking(fd, False)
        self._loop.add_reader(fd, self._readable)

    def drain(self) -> None:
        """Take what is in the pipe now, and no more: another process may be writing for ever."""
        if self._fd < 0:
            return
        fcntl.ioctl(self._fd, termios.FIONREAD, self._waiting)
        waiting = int.from_bytes(self._waiting, "little")  # every Linux that we run on
        while waiting > 0:
            taken = self._read(min(waiting, READ_BYTES))
            if not taken:
                return
            waiting -= taken

    def close(self) -> None:
        """Let go of the descriptor; idempotent."""
        if self._pause is not None:
            self._pause.cancel()
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1

    def _readable(self) -> None:
        if self._read(READ_BYTES) == 0:
            self.close()  # every writer is gone
        elif self._buffer.full:
            self._loop.remove_reader(self._fd)
            self._pause = self._loop.call_later(PAUSE_S, self._resume)

    def _resume(self) -> None:
        self._pause = None
        self._loop.add_reader(self._fd, self._readable)

    def _read(self, limit: int) -> int | None:
        """Read once into the buffer; how many bytes, 0 at the end, None when there is nothing yet."""
        try:
            data = os.read(self._fd, limit)
        except (BlockingIOError, InterruptedError):
            return None
        except OSError:
            return 0
        if data:
            self._buffer.feed(data, self._clock.now_ms())
        return len(data)
