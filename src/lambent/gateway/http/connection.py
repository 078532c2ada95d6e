"""One client's connection: requests in, answers out, in order.

Rules: a request is handed over when it is whole, or when its head is there if its body is to be a stream; the next
one on the same connection waits for its answer, and for the client to read it (at most one more is read ahead); what
comes is counted while it arrives, never after, alone and together with what others send (`room`) until it is answered;
a client that is too slow, too long or not HTTP is told so and cut off. A client that hangs up does not cancel what it
started, only the iterator that makes a streamed answer.
"""

import asyncio
from collections import deque
from typing import Any

import httptools
import structlog

from lambent.gateway.http.answer import BODILESS, CONTINUE, bytes_of, refusal, streamed_head
from lambent.gateway.http.head import Headers, is_passed_over, request_of, size_bytes, without_offer
from lambent.gateway.http.room import CROWDED, FEW_PIECES, PIECE_BYTES, REQUEST_BYTES, UNCOUNTED_BYTES, Room
from lambent.gateway.http.rules import HEADERS_MAX, TOO_LONG, Arrived, Refused, Served
from lambent.gateway.http.sending import cut_off, hand_on, send_pieces
from lambent.gateway.http.streams import Body, CutOff, Framing, Response, StreamedResponse, Upgrade, close_stream
from lambent.model.http import HttpRequest

READ_AHEAD = 2

log = structlog.get_logger()


class Connection(asyncio.Protocol):
    """The server's half of one connection. `held` is the server's set of live ones."""

    def __init__(self, served: Served, held: set["Connection"], room: Room) -> None:
        self._handler, self._limits, self._streams, self._date = served
        self._connections = held
        self._place, self._held_bytes = room, 0  # of the request that is coming
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[Arrived] = deque()
        self._current: Arrived | None = None  # the one that is being answered
        self._sending: asyncio.Task[None] | None = None  # its streamed answer
        self._room: asyncio.Future[None] | None = None  # for a client that does not read
        self._transport: Any = None
        self._source_ip = ""
        self._closing = self._starting = self._held_back = self._secure = False
        self._last = False  # nothing more comes from the client
        self._again = b""  # a head that is to be read once more, without the offer in it
        self._beyond: bytes | None = None  # what came after an offer to speak something else
        self._reset()
        self.deadline_s = 0.0

    @property
    def busy(self) -> bool:
        """Whether a request is being answered or waits to be."""
        return self._current is not None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        peer = transport.get_extra_info("peername")
        self._source_ip = peer[0] if isinstance(peer, tuple) else ""
        self._secure = transport.get_extra_info("sslcontext") is not None
        self._connections.add(self)
        if not self._place.enter():
            self._closing = True
            self._transport.abort()
        self.deadline_s = self._loop.time() + self._limits.keep_alive_s

    def connection_lost(self, exc: Exception | None) -> None:
        self._closing = True
        self._connections.discard(self)
        self._place.leave()
        self._place.give(self._held_bytes + sum(each.held_bytes for each in self._waiting))
        self._held_bytes = 0
        self._waiting.clear()
        self._break_body("The client hung up in the middle of the body.")
        if self._sending is not None:
            self._sending.cancel()
            self._let_go()

    def data_received(self, data: bytes) -> None:
        if self._beyond is not None:
            self._beyond += data
        if self._closing and (self._body_stream is None or self._body_stream.ended):
            return
        if self._head_open:
            self._head_bytes += len(data)
        else:
            self._beside_bytes += len(data)
        try:
            self._feed(data)
            if self._head_open or self._beside_bytes:
                if max(self._head_bytes, self._beside_bytes) > self._limits.head_bytes:
                    raise Refused(431, TOO_LONG)
                self._hold()
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._refuse(cause if isinstance(cause, Refused) else Refused(400, f"not HTTP/1.1: {error}"))
        except Refused as refused:
            self._refuse(refused)
        if self._waiting:
            self._start_waiting()
        self._steer()

    def eof_received(self) -> bool:
        """A client that is done sending may still wait for its answer; TLS knows no such half-closed connection."""
        self._break_body("The client stopped sending in the middle of the body.")
        self._last = True
        return self._current is not None and not self._secure

    def pause_writing(self) -> None:
        """The client reads slower than we write: what it asks for besides has to wait."""
        self._room = self._loop.create_future()
        self.deadline_s = self._loop.time() + self._limits.body_idle_s
        self._steer()

    def resume_writing(self) -> None:
        """The client has read."""
        room, self._room = self._room, None
        if room is not None and not room.done():
            room.set_result(None)
        self.deadline_s = self._loop.time() + self._limits.keep_alive_s
        self._start_waiting()
        self._steer()

    def expire(self, now_s: float) -> None:
        """Called about once a second: cut the connection when its time is up."""
        if now_s < self.deadline_s:
            return
        if self._room is not None:
            self._transport.abort()
        elif self._body_stream is not None and not self._held_back:
            self._closing = True
            self._break_body("The body took too long to arrive.")
        elif self._current is None:
            if self._head_open and not self._head_bytes:
                self.close()
            else:
                self._refuse(Refused(408, "the request took too long to arrive"))

    def close(self) -> None:
        """End the connection now, or after the answer that is under way."""
        self._closing = True
        if self._current is None and self._transport is not None:
            self._transport.close()

    def _feed(self, data: bytes) -> None:
        rest: bytes | memoryview = data
        while (offset := self._parse(rest)) is not None:
            rest = memoryview(rest)[offset:]
            again, self._again = self._again, b""
            if not again:
                self._consider(bytes(rest))
                return
            self._parser = httptools.HttpRequestParser(self)
            self._reset()
            self._head_bytes = len(again)
            self._parser.feed_data(again)

    def _parse(self, data: bytes | memoryview) -> int | None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            return int(offer.args[0])
        return None

    def _consider(self, beyond: bytes) -> None:
        """The client offers to speak something else: nothing more is read until a stage has taken that up (Upgrade)
        or has answered, which ends the connection."""
        self._beyond = beyond
        self._transport.pause_reading()
        self._start_waiting()
        if self._beyond is not None:
            self.close()

    def _reset(self) -> None:
        self._url = b""
        self._headers: Headers = []
        self._trailers: Headers = []
        self._names: list[str] = []
        self._body: list[bytes] = []
        self._body_bytes = self._head_bytes = self._announced_bytes = 0
        self._beside_bytes = 0  # since the head, or the last of the body: trailers, and how long a chunk is
        self._head_open, self._expects = True, False
        self._body_stream: Body | None = None

    def on_message_begin(self) -> None:
        self.deadline_s = self._loop.time() + self._limits.head_s

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if len(self._headers) + len(self._trailers) >= HEADERS_MAX:
            raise Refused(431, f"more than {HEADERS_MAX} headers")
        written, text = name.decode("latin-1"), value.decode("latin-1")
        key = written.lower()
        if not self._head_open:  # whoever looked at the headers has not seen it
            self._trailers.append((key, text))
            return
        if key == "expect":
            self._expects = value.lower() == b"100-continue"
        elif key == "content-length":
            self._announced_bytes = int(value)
        elif key == "transfer-encoding" and value.lower() != b"chunked":
            raise Refused(501, "no transfer coding but chunked is understood")
        self._headers.append((key, text))
        self._names.append(written)

    def on_headers_complete(self) -> None:
        self._head_open = False
        if self._head_bytes > self._limits.head_bytes:  # with what of the body came in the same reading
            self._head_bytes = size_bytes(self._url, self._headers)
            if self._head_bytes > self._limits.head_bytes:
                raise Refused(431, TOO_LONG)
        method = self._parser.get_method()
        if self._parser.should_upgrade() and is_passed_over(method, self._headers):
            version = self._parser.get_http_version()
            self._again = without_offer(method, self._url, version, self._names, self._headers)
            return
        self.deadline_s = self._loop.time() + self._limits.body_idle_s
        if self._streams is not None:
            request = self._request(b"")
            if self._streams(request):
                self._body_stream = Body(self._continue if self._expects else _nothing, self._steer)
                self._waiting.append(Arrived(request, self._parser.should_keep_alive(), self._body_stream))
                return
        if self._announced_bytes > self._limits.body_bytes:
            raise Refused(413, f"the body is over {self._limits.body_bytes} bytes")
        if self._expects:
            self._continue()

    def on_body(self, body: bytes) -> None:
        self._beside_bytes = 0
        self.deadline_s = self._loop.time() + self._limits.body_idle_s
        if self._body_stream is not None:
            self._body_stream.feed(body)
            return
        self._body_bytes += len(body)
        if self._body_bytes > self._limits.body_bytes:
            raise Refused(413, f"the body is over {self._limits.body_bytes} bytes")
        self._body.append(body)
        if self._body_bytes > UNCOUNTED_BYTES or len(self._body) > FEW_PIECES:
            self._hold()

    def on_message_complete(self) -> None:
        if self._again:
            return
        if self._body_stream is not None:
            self._body_stream.end()
            self._place.give(self._held_bytes)
        else:
            body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
            keep_alive = self._parser.should_keep_alive()
            if len(self._waiting) >= READ_AHEAD:  # more of them in one reading than are to be read ahead
                self._take(REQUEST_BYTES)
            self._waiting.append(Arrived(self._request(body), keep_alive, None, self._held_bytes))
        self._held_bytes = 0
        self._reset()

    def _request(self, body: bytes) -> HttpRequest:
        if self._secure and not any(name == "x-forwarded-proto" for name, _ in self._headers):
            self._headers.append(("x-forwarded-proto", "https"))
        method = self._parser.get_method()
        return request_of(method, self._url, self._headers, self._names, self._trailers, body)

    def _hold(self) -> None:
        """So much has come of a request that lies in memory until it is answered. Raises Refused."""
        size_bytes = self._head_bytes + self._body_bytes + PIECE_BYTES * (len(self._headers) + len(self._body))
        self._take(size_bytes + self._beside_bytes - UNCOUNTED_BYTES - self._held_bytes)

    def _take(self, count: int) -> None:
        if count > 0:
            if not self._place.take(count):
                raise Refused(503, CROWDED)
            self._held_bytes += count

    def _let_go(self) -> None:
        """The current request is answered."""
        current, self._current = self._current, None
        if current is not None and current.held_bytes:
            self._place.give(current.held_bytes)

    def _continue(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(CONTINUE)

    def _break_body(self, words: str) -> None:
        if self._body_stream is not None:
            self._body_stream.break_off(words)

    def _start_waiting(self) -> None:
        if self._starting:
            return  # an answer that was there at once: the loop below goes on
        self._starting = True
        while self._waiting and self._current is None and self._room is None:
            self._current = arrived = self._waiting.popleft()
            self._handler(arrived.request, self._source_ip, self._respond, arrived.body)
        self._starting = False

    def _steer(self) -> None:
        """Hold the client back, or let it go on."""
        body = self._body_stream
        waiting = len(self._waiting)
        hold_back = (
            waiting >= READ_AHEAD or (body is not None and body.full) or (self._room is not None and waiting > 0)
        )
        if hold_back is self._held_back or self._transport.is_closing():
            return
        self._held_back = hold_back
        if hold_back:
            self._transport.pause_reading()
        else:
            self.deadline_s = self._loop.time() + self._limits.body_idle_s
            self._transport.resume_reading()

    def _respond(self, response: Response) -> bool:
        """Send it; False when the client has gone, or hears nothing more as far as can be told."""
        assert self._current is not None
        request, keep_alive, body, _ = self._current
        if self._transport.is_closing():
            self._let_go()
            if isinstance(response, StreamedResponse):
                self._sending = self._loop.create_task(close_stream(response))
            elif isinstance(response, Upgrade):
                response.protocol.connection_lost(None)
            return False
        if isinstance(response, Upgrade):
            self._hand_on(response)
            return True
        keep_alive = keep_alive and not self._closing and (body is None or body.ended)
        if isinstance(response, StreamedResponse):
            self._sending = self._loop.create_task(self._send(response, request.method == "HEAD", keep_alive))
            return True
        self._transport.write(
            bytes_of(response, self._date(), keep_alive=keep_alive, head_only=request.method == "HEAD")
        )
        there = not self._last
        self._answered(keep_alive)
        return there

    def _hand_on(self, upgrade: Upgrade) -> None:
        """From here on the connection is another's."""
        assert self._beyond is not None
        beyond, self._beyond, self._closing = self._beyond, None, True
        self._let_go()
        self._connections.discard(self)
        upgrade.protocol.on_lost = self._place.leave
        hand_on(self._transport, upgrade, beyond)

    def _answered(self, keep_alive: bool) -> None:
        self._let_go()
        if not keep_alive or self._closing or (self._last and not self._waiting):
            self._closing = True
            self._break_body("The request was answered before its body had come.")
            self._transport.close()
            return
        if self._room is None:
            self.deadline_s = self._loop.time() + self._limits.keep_alive_s
        if self._waiting:
            self._start_waiting()
            self._steer()

    async def _send(self, response: StreamedResponse, head_only: bool, keep_alive: bool) -> None:
        framing = Framing(response.headers, chunks_allowed=self._parser.get_http_version() != "1.0")
        keep_alive = keep_alive and not framing.until_close
        bodiless = head_only or response.status in BODILESS
        try:
            self._transport.write(streamed_head(response, framing, self._date(), keep_alive=keep_alive))
            if not bodiless:
                await send_pieces(self._transport, response, framing, self._wait_for_room)
        except CutOff:
            self._closing = True
            cut_off(self._transport, framing)
        except Exception:
            log.exception("a streamed answer failed", action="http.stream")
            self._transport.abort()
        finally:
            self._sending = None
            await close_stream(response)
        if self._transport.is_closing():
            self._let_go()
        else:
            self._answered(keep_alive)

    async def _wait_for_room(self) -> None:
        while self._room is not None:
            await self._room

    def _refuse(self, refused: Refused) -> None:
        self._closing = True
        self._break_body(f"The rest of the body is unreadable: {refused}.")
        if self._current is None and not self._transport.is_closing():
            self._transport.write(refusal(refused.status, str(refused), self._date()))
            self._transport.close()


def _nothing() -> None:
    """The client does not wait to be asked for its body."""
