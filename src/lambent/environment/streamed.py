"""One answer that comes in pieces: counted, cut at its limit, and handed on. Pure.

Knows the order of the frames (STREAM, then CHUNKs) and the limit; does not know sockets, nor who
takes the pieces. `Collected` takes them where the whole is wanted.
"""

from collections.abc import Callable

from lambent.environment import frames
from lambent.environment.api import Stream
from lambent.environment.frames import Frame

DEFAULT_CONTENT_TYPE = "application/octet-stream"


class Collected:
    """Implements `Stream`: the whole answer, for who did not ask for pieces."""

    full = False

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self._whole = bytearray()  # and no list: a function may send its answer in single bytes

    def opened(self, content_type: str, go_on: Callable[[], None]) -> None:
        """See `Stream`."""

    def write(self, piece: bytes) -> None:
        """See `Stream`."""
        self._whole += piece

    @property
    def payload(self) -> bytes:
        """All of it."""
        return bytes(self._whole)


class StreamedAnswer:
    """The pieces of one invocation's answer on their way to `stream`."""

    def __init__(self, stream: Stream, began_us: int) -> None:
        self.stream, self.began_us = stream, began_us
        self.content_type = ""  # set once it is open
        self._bytes = 0

    @property
    def too_large(self) -> bool:
        """Whether something was dropped."""
        return self._bytes > self.stream.limit_bytes

    @property
    def sent_bytes(self) -> int:
        """What was handed on."""
        return min(self._bytes, self.stream.limit_bytes)

    def take(self, frame: Frame, go_on: Callable[[], None]) -> bool:
        """Hand on a STREAM or CHUNK; False when it is out of turn, or nothing."""
        opens = frame.kind == frames.STREAM
        if opens is bool(self.content_type) or not (opens or frame.payload):
            return False
        if opens:
            self.content_type = frame.fields[1] or DEFAULT_CONTENT_TYPE
            self.stream.opened(self.content_type, go_on)
        room = max(0, self.stream.limit_bytes - self._bytes)
        self._bytes += len(frame.payload)
        if piece := frame.payload[:room]:
            self.stream.write(piece)
        return True
