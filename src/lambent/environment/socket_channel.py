"""The edge's end of a channel: a socket on the event loop, frames out of it.

A plain reader on the descriptor was as fast as a transport in the measurement (uvloop, 52 µs a
round trip with a real bootstrap either way; bench/environment.py), sends at once, can be read to
its end when the agent says that the process is gone, and takes a Unix or a TCP socket alike.
"""

import asyncio
import socket
from collections.abc import Callable

from lambent.environment import frames
from lambent.environment.api import OutcomeKind
from lambent.environment.channel import Work
from lambent.environment.frames import Frame, FrameReader, Garbage

READ_BYTES = 65536
READS_PER_TURN = 16  # then other environments get their turn; more than a socket holds


class SocketChannel:
    """Implements `Channel`. Owns the socket.

    Args:
        on_frame: called with each frame.
        on_end: called once, when no more frames will come: with the Garbage that was received,
            or with None when the other side has hung up.
    """

    gathers = False

    def __init__(
        self, sock: socket.socket, on_frame: Callable[[Frame], None], on_end: Callable[[Garbage | None], None]
    ) -> None:
        self.reader = FrameReader()
        self._socket = sock
        self._on_frame = on_frame
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._unsent = memoryview(b"")
        self._ended = self._paused = self._crowded = False
        sock.setblocking(False)
        self._loop.add_reader(sock.fileno(), self._readable)

    def begin(self, work: Work) -> None:
        """See `Channel`."""
        self.reader.limit_bytes = work.limit_bytes
        fields = [work.request_id, str(work.deadline_ms), work.invoked_arn, work.trace_header, work.client_context]
        self.send(frames.encode(frames.INVOKE, fields, work.payload))

    def send(self, frame: bytes) -> None:
        """Send `frame`, now as far as the socket takes it, the rest when it can.

        Nobody being there to read is not told here: the reading side ends, and says so.
        """
        if self._ended:
            return
        if self._unsent:
            self._end(Garbage("an answer to a frame that has not been read"))
            return
        try:
            sent = self._socket.send(frame)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:
            self._readable()
            return
        if sent < len(frame):
            self._unsent = memoryview(frame)[sent:]
            self._loop.add_writer(self._socket.fileno(), self._writable)

    def read_arrived(self) -> None:
        """Take everything that has arrived, without waiting for the event loop to tell of it.

        What arrives meanwhile does not count: a function that never stops sending must not keep us here.
        """
        for _ in range(READS_PER_TURN):
            if self._ended or not self._read():
                return

    def pause(self) -> None:
        """Leave in the socket what comes, so that the other side has to wait."""
        if not self._paused and not self._ended:
            self._paused = True
            self._loop.remove_reader(self._socket.fileno())

    def resume(self) -> None:
        """Read on after `pause`."""
        if self._paused and not self._ended:
            self._paused = False
            self._loop.add_reader(self._socket.fileno(), self._readable)

    def stop(self, _why: OutcomeKind = OutcomeKind.LOST) -> None:
        """Neither read nor send any more, and call nobody."""
        if self._ended:
            return
        self._ended = True
        self._loop.remove_reader(self._socket.fileno())
        self._loop.remove_writer(self._socket.fileno())

    def close(self) -> None:
        """Let go of the socket; idempotent."""
        self.stop()
        self._socket.close()

    def _writable(self) -> None:
        try:
            self._unsent = self._unsent[self._socket.send(self._unsent) :]
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._unsent = self._unsent[:0]
        if not self._unsent:
            self._unsent = memoryview(b"")  # and not a view of nothing that keeps the frame alive
            self._loop.remove_writer(self._socket.fileno())

    def _readable(self) -> None:
        for _ in range(READS_PER_TURN):
            if self._paused or not self._read() or self._crowded:
                return

    def _read(self) -> bool:
        """Read once; whether there may be more at once."""
        try:
            data = self._socket.recv(READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError:
            data = b""
        if not data:
            self._end(None)
            return False
        try:
            arrived = self.reader.feed(data)
        except Garbage as garbage:
            self._end(garbage)
            return False
        self._crowded = len(arrived) > 1  # a flood of small pieces: the rest of it in another turn
        for frame in arrived:
            self._on_frame(frame)
        return len(data) == READ_BYTES and not self._ended

    def _end(self, garbage: Garbage | None) -> None:
        if not self._ended:
            self.stop()
            self._on_end(garbage)
