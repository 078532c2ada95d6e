"""One WebSocket connection, from the 101 on: messages in, messages out, and one end.

Rules: a message is text, whole when it is handed over, and within the limits while it arrives; a client whose messages
are not yet done with is held back; one that does not read is waited for by whoever sends, and cut off in the end.
Frames are the library's business (`websockets.protocol`, which knows no socket); limits, close codes, time and order
are ours. No extension is spoken.

Sources: RFC 6455 (5.4 fragments, 7.4 close codes, 8.1 UTF-8). API Gateway Developer Guide, "Quotas for configuring and
running a WebSocket API" (128 KB, frames of 32 KB, 1009) and "Working with binary media types for WebSocket APIs" (a
binary frame ends the connection with 1003). How many messages may be under way, and what becomes of a client that
does not read, are our own.
"""

import asyncio
import logging
from collections import deque
from typing import Any, NamedTuple, Protocol

from msgspec import Struct
from websockets.exceptions import InvalidState
from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import SERVER, State
from websockets.protocol import Protocol as Frames

from lambent.clock import Clock
from lambent.gateway.http.streams import Beyond

BUFFERED_BYTES = 256 * 1024  # what a client has not read yet; from here on senders wait
UNDER_WAY = 32  # messages of one client that are being handled; from here on it is held back
QUIET = logging.Logger("websockets", logging.ERROR)
ABNORMAL = "Connection closed abnormally"
NO_STATUS = "Client-side close frame status not set"
AWAY = "Going away"


class Limits(Struct, frozen=True):
    """What one connection may do. Times in seconds, sizes in bytes."""

    message_bytes: int = 128 * 1024
    frame_bytes: int = 32 * 1024
    idle_s: float = 600.0
    life_s: float = 7200.0
    goodbye_s: float = 3.0  # for the client's half of the closing handshake
    unread_s: float = 30.0  # how long a client may not read what waits for it


class Ending(NamedTuple):
    """How a connection ended, in the words of RFC 6455, 7.4."""

    code: int
    reason: str


class Owner(Protocol):
    """Whom a connection belongs to."""

    def message(self, text: str, /) -> None:
        """A message has come. `WebSocket.handled` is called once it is done with."""

    def ended(self, ending: Ending, /) -> None:
        """Nothing more comes or goes. Called once."""


class NotReading(Exception):
    """The client has not read what was sent before."""


class Ended(Exception):
    """The connection is no more."""


class WebSocket(Beyond):
    """The server's half of one connection."""

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self._limits, self._clock = limits, clock
        self._frames = Frames(SERVER, max_size=(limits.message_bytes, limits.frame_bytes), logger=QUIET)
        self._owner: Owner | None = None
        self._transport: Any = None
        self._text = bytearray()  # of the message that is coming
        self._waiting: deque[str] = deque()  # what came in one reading and is more than may be under way
        self._under_way = 0
        self._held_back = self._lost = False
        self._ending: Ending | None = None  # as we have decided it
        self._room: asyncio.Event | None = None  # for a client that does not read
        self.opened_s = self.active_s = clock.now_s()
        self._cut_s = float("inf")  # when it is cut off, by the clock of durations

    def belong_to(self, owner: Owner) -> None:
        """Called once, before it is connected."""
        self._owner = owner

    @property
    def open(self) -> bool:
        """Whether a message can be sent."""
        return self._frames.state is State.OPEN and self._transport is not None and not self._transport.is_closing()

    # --- the transport's side -------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._transport.set_write_buffer_limits(BUFFERED_BYTES)

    def data_received(self, data: bytes) -> None:
        self.active_s = self._clock.now_s()
        self._frames.receive_data(data)
        for frame in self._frames.events_received():
            if isinstance(frame, Frame) and self._ending is None:
                self._take(frame)
        self._flush()

    def eof_received(self) -> bool:
        self._frames.receive_eof()
        self._flush()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.on_lost()
        self._frames.receive_eof()
        self._lost = True
        if self._room is not None:
            self._room.set()
        self._maybe_tell()

    def pause_writing(self) -> None:
        """The client does not read: what it sends, and what that makes us send, has to wait."""
        self._room = asyncio.Event()
        self._cut_s = min(self._cut_s, self._clock.monotonic_s() + self._limits.unread_s)
        self._steer()

    def resume_writing(self) -> None:
        room, self._room = self._room, None
        if self._ending is None:
            self._cut_s = float("inf")
        if room is not None:
            room.set()
        self._steer()

    # --- the owner's side -----------------------------------------------------------------

    async def send(self, data: bytes) -> None:
        """Return once the message is on its way: as text, or as bytes where it is no UTF-8.

        Raises:
            Ended: there is nobody to send it to.
            NotReading: there is, but not this one who would hear it.
        """
        if self._room is not None:
            await self._wait_for_room()
        if not self.open:
            raise Ended
        self.active_s = self._clock.now_s()
        size = self._limits.frame_bytes
        pieces = [data[start : start + size] for start in range(0, len(data), size)] or [b""]
        begin = self._frames.send_text if _is_text(data) else self._frames.send_binary
        begin(pieces[0], fin=len(pieces) == 1)
        for piece in pieces[1:]:
            self._frames.send_continuation(piece, fin=piece is pieces[-1])
        self._flush()

    def handled(self) -> None:
        """One of the messages that came is done with."""
        self._under_way -= 1
        self._start_waiting()
        self._steer()
        self._maybe_tell()

    def close(self, code: int, reason: str = "") -> None:
        """Say goodbye; the end follows when the client has said it too, or takes too long."""
        if self._ending is None and self.open:
            self._end(Ending(code, reason))
            try:
                self._frames.send_close(CloseCode(code), reason)
            except InvalidState:
                return
            self._flush()

    def expire(self, now_s: float, monotonic_s: float) -> None:
        """Called about once a second: end what was silent, or there, for too long."""
        if monotonic_s >= self._cut_s:
            self._transport.abort()
        elif now_s - self.active_s >= self._limits.idle_s or now_s - self.opened_s >= self._limits.life_s:
            self.close(CloseCode.GOING_AWAY, AWAY)

    # --- frames ---------------------------------------------------------------------------

    def _take(self, frame: Frame) -> None:
        if frame.opcode is Opcode.BINARY:
            self._fail(CloseCode.UNSUPPORTED_DATA, "binary messages are not supported")
        elif frame.opcode in (Opcode.TEXT, Opcode.CONT):
            self._text += frame.data
            if frame.fin:
                self._take_message()

    def _take_message(self) -> None:
        whole, self._text = self._text, bytearray()
        try:
            self._waiting.append(whole.decode())
        except UnicodeDecodeError:
            self._fail(CloseCode.INVALID_DATA, "a text that is not UTF-8")
            return
        self._start_waiting()
        self._steer()

    def _start_waiting(self) -> None:
        while self._waiting and self._under_way < UNDER_WAY:
            self._under_way += 1
            assert self._owner is not None
            self._owner.message(self._waiting.popleft())

    def _steer(self) -> None:
        """Hold the client back, or let it go on."""
        hold_back = self._under_way >= UNDER_WAY or self._room is not None
        if hold_back is self._held_back or self._transport.is_closing():
            return
        self._held_back = hold_back
        if hold_back:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _maybe_tell(self) -> None:
        """The end is told when all that came before it is done with."""
        owner = self._owner
        if self._lost and owner is not None and not self._under_way and not self._waiting:
            self._owner = None
            owner.ended(self._how_it_ended())

    def _fail(self, code: CloseCode, reason: str) -> None:
        self._end(Ending(code, reason))
        self._frames.fail(code, reason)

    def _end(self, ending: Ending) -> None:
        self._ending = ending
        self._cut_s = min(self._cut_s, self._clock.monotonic_s() + self._limits.goodbye_s)

    def _flush(self) -> None:
        if self._transport.is_closing():
            return
        for data in self._frames.data_to_send():
            if data:
                self._transport.write(data)
            else:  # both have said goodbye, or the client has broken the rules
                self._transport.close()
                self._cut_s = min(self._cut_s, self._clock.monotonic_s() + self._limits.goodbye_s)

    def _how_it_ended(self) -> Ending:
        received, sent = self._frames.close_rcvd, self._frames.close_sent
        if self._ending is not None:
            return self._ending
        if received is not None:
            reason = NO_STATUS if received.code == CloseCode.NO_STATUS_RCVD else received.reason
            return Ending(int(received.code), reason)
        if sent is not None:
            return Ending(int(sent.code), sent.reason)
        return Ending(int(CloseCode.ABNORMAL_CLOSURE), ABNORMAL)

    async def _wait_for_room(self) -> None:
        try:
            async with asyncio.timeout(self._limits.goodbye_s):
                while self._room is not None and not self._lost:
                    await self._room.wait()
        except TimeoutError:
            raise NotReading from None


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
