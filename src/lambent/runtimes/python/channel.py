"""The runtime's end of the channel: whole frames in, whole frames out.

The form of a frame is told in `lambent/environment/api.py`. Used by the main thread only, one
frame each way at a time. A child process of the function never inherits the socket: it is
close-on-exec, and a plain fork closes it.
"""

from __future__ import annotations

import os
from struct import Struct

INVOKE = 1
READY, INIT_ERROR, RESPONSE, ERROR, STREAM, CHUNK = 16, 17, 18, 19, 20, 21
PIECE_BYTES = 65536  # the most that STREAM and CHUNK may carry

HEADER = Struct(">IBH")
HEADER_BYTES = HEADER.size
LENGTH_BYTES = 4
FIRST_READ_BYTES = 65536


class ChannelGone(Exception):
    """The other end has hung up, or this process is a fork that has no channel."""


class Channel:
    """The stream socket that the sandbox passed in."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        os.set_inheritable(fd, False)
        os.set_blocking(fd, True)
        os.register_at_fork(after_in_child=self._forked)

    def _forked(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def receive(self) -> tuple[list[str], bytes]:
        """The next invocation: the fields of its meta, and the event.

        Raises:
            ChannelGone: there will be no next one.
        """
        data = self._read(FIRST_READ_BYTES)
        while len(data) < HEADER_BYTES:
            data += self._read(FIRST_READ_BYTES)
        length, kind, meta_bytes = HEADER.unpack_from(data)
        missing = length + LENGTH_BYTES - len(data)
        if missing > 0:
            data = self._rest(data, missing)
        if missing < 0 or kind != INVOKE:
            raise ChannelGone("the platform sent a frame that it never sends")
        start = HEADER_BYTES + meta_bytes
        return str(data[HEADER_BYTES:start], "utf-8").split("\0", 4), data[start:]

    def send(self, kind: int, meta: str, payload: bytes) -> None:
        """Send one frame, whole.

        Raises:
            ChannelGone: nobody is there to take it.
        """
        told = meta.encode("utf-8", "replace")
        frame = HEADER.pack(3 + len(told) + len(payload), kind, len(told)) + told + payload
        try:
            sent = os.write(self._fd, frame)
            if sent < len(frame):
                self._send_rest(memoryview(frame)[sent:])
        except OSError as error:
            raise ChannelGone(str(error)) from None

    def _send_rest(self, rest: memoryview) -> None:
        while rest:
            rest = rest[os.write(self._fd, rest) :]

    def _read(self, limit: int) -> bytes:
        try:
            data = os.read(self._fd, limit)
        except OSError as error:
            raise ChannelGone(str(error)) from None
        if not data:
            raise ChannelGone("the platform hung up")
        return data

    def _rest(self, begun: bytes, missing: int) -> bytes:
        frame = bytearray(len(begun) + missing)
        frame[: len(begun)] = begun
        view, at = memoryview(frame), len(begun)
        while at < len(frame):
            try:
                count = os.readv(self._fd, [view[at:]])
            except OSError as error:
                raise ChannelGone(str(error)) from None
            if not count:
                raise ChannelGone("the platform hung up in the middle of a frame")
            at += count
        return bytes(frame)
