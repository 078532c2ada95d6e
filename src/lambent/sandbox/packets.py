"""Messages with descriptors over a SOCK_SEQPACKET Unix socket, for asyncio.

Knows: how to wait without a thread, and that descriptors that come with a message are ours to
close. Does not know what the messages say.
"""

import asyncio
import socket
from collections.abc import Sequence

LARGEST_BYTES = 1024 * 1024
MOST_DESCRIPTORS = 32


def packet_pair() -> tuple[socket.socket, socket.socket]:
    """Two connected ends, blocking, closed on exec, with room for the largest message."""
    pair = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in pair:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, LARGEST_BYTES)
    return pair


class Packets:
    """Our end of a connection. One task may wait in `receive` at a time."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._socket = end
        self._loop = asyncio.get_running_loop()
        self._waiting: asyncio.Future[None] | None = None

    async def receive(self) -> tuple[bytes, list[int]]:
        """The next message and its descriptors; no bytes when the other end has hung up."""
        while True:
            try:
                message, descriptors, _, _ = socket.recv_fds(self._socket, LARGEST_BYTES, MOST_DESCRIPTORS)
            except BlockingIOError:
                await self._wait_readable()
            except OSError:  # reset by the other end, or closed by us
                return b"", []
            else:
                return message, descriptors

    async def _wait_readable(self) -> None:
        waiting = self._waiting = self._loop.create_future()
        self._loop.add_reader(self._socket, self._readable)
        try:
            await waiting
        finally:
            self._waiting = None
            if self._socket.fileno() >= 0:
                self._loop.remove_reader(self._socket)

    def _readable(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def send_nowait(self, message: bytes, descriptors: Sequence[int] = ()) -> None:
        """Send whole or not at all.

        Raises:
            OSError: the other end has gone, or (BlockingIOError) reads too slowly.
        """
        socket.send_fds(self._socket, [message], list(descriptors))

    def close(self) -> None:
        """Hang up; a waiting `receive` sees the end. Idempotent."""
        if self._socket.fileno() < 0:
            return
        self._loop.remove_reader(self._socket)
        self._readable()
        self._socket.close()
