"""An answer on its way in pieces: from the environment that makes it to the one client that reads it.

`AnswerStream` stands between the two. It holds at most HELD_BYTES (and what was on its way when it
became full), so a client that does not read stops the function's writes, not only our own. A client
that goes away does not end the function: from then on its pieces are thrown away.

The pace (2 MB a second after the first 6 MB) is AWS's bandwidth limit; it is a setting, off by
default, because it protects AWS's network and nobody's own. Source: behaviours sections 2 and 17.
"""

import asyncio
from collections import deque
from collections.abc import Callable

from msgspec import Struct

from lambent.clock import Clock
from lambent.model.invocation import InvocationResult

HELD_BYTES = 256 * 1024
PIECE_COST_BYTES = 128  # what a piece takes besides its bytes: a function may send single ones


class Pace(Struct, frozen=True):
    """How fast an answer may go out after its first `burst_bytes`; 0 is as fast as it can."""

    bytes_per_s: int = 0
    burst_bytes: int = 6 * 1024 * 1024

    def due_s(self, sent_bytes: int) -> float:
        """How long after its beginning a stream may have sent so much."""
        return max(0, sent_bytes - self.burst_bytes) / self.bytes_per_s if self.bytes_per_s else 0.0


class AnswerStream:
    """Implements `environment.api.Stream`; an async iterator over the pieces, for one reader.

    `version` (of the function) and `content_type` stand when `on_open` is called, `result` when the
    iterator has come to its end.
    """

    def __init__(self, limit_bytes: int, on_open: Callable[[], None]) -> None:
        self.limit_bytes, self._on_open = limit_bytes, on_open
        self.version = self.content_type = ""
        self.result: InvocationResult | Exception | None = None
        self._pieces: deque[bytes] = deque()
        self._held_bytes = 0
        self._abandoned = False
        self._go_on: Callable[[], None] | None = None
        self._reader: asyncio.Future[None] | None = None

    @property
    def is_open(self) -> bool:
        """Whether the answer comes in pieces."""
        return bool(self.content_type)

    @property
    def is_wanted(self) -> bool:
        """Whether anybody reads it."""
        return not self._abandoned

    @property
    def full(self) -> bool:
        """See `Stream`."""
        return self._held_bytes >= HELD_BYTES

    def opened(self, content_type: str, go_on: Callable[[], None]) -> None:
        """See `Stream`."""
        self.content_type, self._go_on = content_type, go_on
        self._on_open()

    def write(self, piece: bytes) -> None:
        """See `Stream`."""
        if self._abandoned:
            return
        self._pieces.append(piece)
        self._held_bytes += len(piece) + PIECE_COST_BYTES
        self._wake()

    def end(self, result: InvocationResult | Exception) -> None:
        """The invocation is over."""
        self.result = result
        self._wake()

    def abandon(self) -> None:
        """Nobody reads any more; the function goes on for nobody."""
        self._abandoned = True
        self._pieces.clear()
        self._held_bytes = 0
        if self._go_on is not None:
            self._go_on()

    def __aiter__(self) -> "AnswerStream":
        return self

    async def __anext__(self) -> bytes:
        if not await self._more():
            raise StopAsyncIteration
        was_full, piece = self.full, self._pieces.popleft()
        self._held_bytes -= len(piece) + PIECE_COST_BYTES
        if was_full and not self.full and self._go_on is not None:
            self._go_on()
        return piece

    async def take(self) -> list[bytes]:
        """All pieces that are here, as soon as there is one; none at the end."""
        await self._more()
        return self.take_nowait()

    def take_nowait(self) -> list[bytes]:
        """All pieces that are here."""
        was_full, pieces = self.full, list(self._pieces)
        self._pieces.clear()
        self._held_bytes = 0
        if was_full and self._go_on is not None:
            self._go_on()
        return pieces

    async def _more(self) -> bool:
        """Wait for a piece, or for the end; whether there is one."""
        while not self._pieces and self.result is None:
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        return bool(self._pieces)

    def _wake(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None and not reader.done():
            reader.set_result(None)


class Paced:
    """An AnswerStream read no faster than its pace."""

    def __init__(self, stream: AnswerStream, pace: Pace, clock: Clock) -> None:
        self._stream, self._pace, self._clock = stream, pace, clock
        self._began_s = clock.monotonic_s()
        self._sent_bytes = 0

    async def next(self) -> bytes | None:
        """The next piece, when it may be sent; None at the end."""
        try:
            piece = await anext(self._stream)
        except StopAsyncIteration:
            return None
        self._sent_bytes += len(piece)
        wait_s = self._began_s + self._pace.due_s(self._sent_bytes) - self._clock.monotonic_s()
        if self._pace.bytes_per_s and wait_s > 0:
            await self._clock.sleep(wait_s)
        return piece
