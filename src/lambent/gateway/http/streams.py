"""Bodies that are longer than a moment: what comes in pieces from a client, what goes out in pieces.

The contract is told in `gateway/exchange.py`. Knows no socket: `Body` is filled by the connection
and emptied by a stage, and tells the connection through two callbacks what the stage does.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable

from lambent.errors import ServiceError
from lambent.model.http import HttpResponse

HELD_BYTES = 256 * 1024  # from here on the client is held back


class BodyBroken(ServiceError):
    """The request's body will not come to its end: the client has gone, stalled, or sent nonsense."""

    code, status = "IncompleteBody", 400


class CutOff(Exception):
    """Raised by the iterator of a StreamedResponse: the rest will not come, and the client has to see that."""


class StreamedResponse:
    """An answer whose body is sent while it is made.

    Args:
        headers: with a Content-Length if the length is known; else the body goes out in chunks.
        body: its pieces; empty ones are skipped.
    """

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: list[tuple[str, str]], body: AsyncIterator[bytes]) -> None:
        self.status, self.headers, self.body = status, headers, body


async def close_stream(response: StreamedResponse) -> None:
    """End the iterator, wherever it stands; one that is no generator has nothing to end."""
    close = getattr(response.body, "aclose", None)
    if close is not None:
        with contextlib.suppress(Exception):
            await close()


class Beyond(asyncio.Protocol):
    """What a connection speaks after an upgrade. Calls `on_lost` when the connection is lost."""

    on_lost: Callable[[], None] = staticmethod(lambda: None)


class Upgrade:
    """An answer (101) after which the connection speaks another protocol.

    Args:
        protocol: is given the transport once the head is written, and then what the client sends.
    """

    __slots__ = ("headers", "protocol")
    status = 101

    def __init__(self, headers: list[tuple[str, str]], protocol: Beyond) -> None:
        self.headers, self.protocol = headers, protocol


Response = HttpResponse | StreamedResponse | Upgrade


Gathered = Callable[[bytes, int, BodyBroken | None], None]
"""Told of a body that was gathered: its bytes (none, when they were too many), how many came, and what broke it off."""


class Body:
    """A request's body on its way in; an async iterator, for one reader, or gathered for one who waits for all of it.

    Args:
        on_wanted: called when the reader first asks, so that a client that waits to be told may begin.
        on_room: called when there is room again after `full` was true.
    """

    def __init__(self, on_wanted: Callable[[], None], on_room: Callable[[], None]) -> None:
        self._on_wanted, self._on_room = on_wanted, on_room
        self._pieces: deque[bytes] = deque()
        self._held_bytes = 0
        self._wanted = self.ended = False
        self._broken: BodyBroken | None = None
        self._reader: asyncio.Future[None] | None = None
        self._gathered: Gathered | None = None
        self._most_bytes = self._come_bytes = 0

    @property
    def full(self) -> bool:
        """Whether the client should wait."""
        return self._held_bytes >= HELD_BYTES

    def take_whole(self) -> bytes | None:
        """All of it, when it has come already and nobody has begun to read it; then there is no more to read."""
        if not self.ended or self._broken is not None or self._wanted:
            return None
        self._wanted = True
        pieces, self._pieces, self._held_bytes = self._pieces, deque(), 0
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def gather(self, most_bytes: int, gathered: Gathered) -> None:
        """Instead of reading: have `gathered` called once, when all has come or no more will. Costs no task."""
        pieces, self._pieces, was_full, self._held_bytes = self._pieces, deque(), self.full, 0
        self._wanted, self._gathered, self._most_bytes = True, gathered, most_bytes
        for piece in pieces:
            self._keep(piece)
        if self.ended:
            self._tell(gathered)
            return
        self._on_wanted()
        if was_full:
            self._on_room()

    def feed(self, piece: bytes) -> None:
        """The connection's side: a piece has come."""
        if self._gathered is not None:
            self._keep(piece)
            return
        self._pieces.append(piece)
        self._held_bytes += len(piece)
        self._wake()

    def _keep(self, piece: bytes) -> None:
        self._come_bytes += len(piece)
        if self._come_bytes <= self._most_bytes:
            self._pieces.append(piece)
        else:
            self._pieces.clear()

    def _tell(self, gathered: Gathered) -> None:
        pieces, self._pieces, self._most_bytes = self._pieces, deque(), 0
        gathered(pieces[0] if len(pieces) == 1 else b"".join(pieces), self._come_bytes, self._broken)

    def end(self) -> None:
        """The connection's side: that was all; nothing after `break_off`."""
        if not self.ended:
            self.ended = True
            self._wake()

    def break_off(self, words: str) -> None:
        """The connection's side: no more will come, though more should; nothing after `end`."""
        if not self.ended:
            self.ended, self._broken = True, BodyBroken(words)
            self._wake()

    def __aiter__(self) -> "Body":
        return self

    async def __anext__(self) -> bytes:
        if not self._wanted:
            self._wanted = True
            self._on_wanted()
        while not self._pieces:
            if self._broken is not None:
                raise self._broken
            if self.ended:
                raise StopAsyncIteration
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        was_full, piece = self.full, self._pieces.popleft()
        self._held_bytes -= len(piece)
        if was_full and not self.full:
            self._on_room()
        return piece

    def _wake(self) -> None:
        if self._gathered is not None:
            self._tell(self._gathered)
            return
        reader, self._reader = self._reader, None
        if reader is not None and not reader.done():
            reader.set_result(None)


class Framing:
    """How the pieces of a StreamedResponse are written; pure.

    Args:
        chunks_allowed: False for an HTTP/1.0 client, for whom the connection's end is the body's.
    """

    def __init__(self, headers: Iterable[tuple[str, str]], *, chunks_allowed: bool) -> None:
        self.left = next((int(value) for name, value in headers if name.lower() == "content-length"), None)
        self.chunked = self.left is None and chunks_allowed
        self.until_close = self.left is None and not chunks_allowed

    def piece(self, data: bytes) -> bytes:
        """`data` as it goes on the wire.

        Raises:
            ValueError: it is more than the Content-Length promises.
        """
        if self.chunked:
            return b"%x\r\n%b\r\n" % (len(data), data)
        if self.left is not None:
            self.left -= len(data)
            if self.left < 0:
                raise ValueError("a streamed body is longer than its Content-Length")
        return data

    def end(self) -> bytes:
        """What follows the last piece.

        Raises:
            ValueError: it was less than the Content-Length promises.
        """
        if self.left:
            raise ValueError("a streamed body is shorter than its Content-Length")
        return b"0\r\n\r\n" if self.chunked else b""
