"""One client's connection: requests in, answers out, in order.

Rules: a request is handed over when it is whole; the next one on the same connection waits for
its answer (at most one more is read ahead); bytes of the head and of the body are counted while
they arrive, never after; a client that is too slow, too long or not HTTP is told so and cut off.
A client that hangs up does not cancel what it started.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

import httptools
import structlog
from msgspec import Struct

from lambent.gateway.http.answer import bytes_of
from lambent.model.http import HttpRequest, HttpResponse

Handler = Callable[[HttpRequest, str], Awaitable[HttpResponse]]
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
READ_AHEAD = 2
HEADERS_MAX = 1000

log = structlog.get_logger()


class Limits(Struct, frozen=True):
    """What one connection may use. Times in seconds, sizes in bytes."""

    head_bytes: int = 1024 * 1024
    body_bytes: int = 72 * 1024 * 1024
    head_s: float = 30.0
    body_idle_s: float = 60.0
    keep_alive_s: float = 120.0


class Refused(Exception):
    """The request cannot be taken: `status` and words for the client, then the connection ends."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


class Connection(asyncio.Protocol):
    """The server's half of one connection. `connections` is the server's set of live ones."""

    def __init__(self, handler: Handler, limits: Limits, connections: set["Connection"]) -> None:
        self._handler, self._limits, self._connections = handler, limits, connections
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[tuple[HttpRequest, bool]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._transport: Any = None
        self._source_ip = ""
        self._closing = False
        self._reset()
        self.deadline_s = 0.0

    @property
    def busy(self) -> bool:
        """Whether a request is being answered or waits to be."""
        return self._task is not None

    # --- the transport's side -------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        peer = transport.get_extra_info("peername")
        self._source_ip = peer[0] if isinstance(peer, tuple) else ""
        self._connections.add(self)
        self.deadline_s = self._loop.time() + self._limits.keep_alive_s

    def connection_lost(self, exc: Exception | None) -> None:
        self._closing = True
        self._connections.discard(self)
        self._waiting.clear()

    def data_received(self, data: bytes) -> None:
        if self._closing:
            return
        if self._head_open:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
            if self._head_open and self._head_bytes > self._limits.head_bytes:
                raise Refused(431, "the request line and headers are too long")
        except httptools.HttpParserUpgrade:
            self.close()  # after its answer: the offer to speak something else is not taken up
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._refuse(cause if isinstance(cause, Refused) else Refused(400, f"not HTTP/1.1: {error}"))
        except Refused as refused:
            self._refuse(refused)

    def eof_received(self) -> bool:
        """A client that is done sending may still wait for its answer."""
        return self._task is not None

    def expire(self, now_s: float) -> None:
        """Called about once a second: cut the connection when its time is up."""
        if self._task is None and now_s >= self.deadline_s:
            if self._head_open and not self._head_bytes:
                self.close()
            else:
                self._refuse(Refused(408, "the request took too long to arrive"))

    def close(self) -> None:
        """End the connection now, or after the answer that is under way."""
        self._closing = True
        if self._task is None and self._transport is not None:
            self._transport.close()

    # --- the parser's side ----------------------------------------------------------------

    def _reset(self) -> None:
        self._url = b""
        self._headers: list[tuple[str, str]] = []
        self._body: list[bytes] = []
        self._body_bytes = self._head_bytes = 0
        self._head_open, self._expects = True, False

    def on_message_begin(self) -> None:
        self.deadline_s = self._loop.time() + self._limits.head_s

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        headers = self._headers
        if len(headers) >= HEADERS_MAX:
            raise Refused(431, f"more than {HEADERS_MAX} headers")
        key = name.decode("latin-1").lower()
        if key == "expect":
            self._expects = value.lower() == b"100-continue"
        elif key == "content-length" and int(value) > self._limits.body_bytes:
            raise Refused(413, f"the body is over {self._limits.body_bytes} bytes")
        headers.append((key, value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        self._head_open = False
        self.deadline_s = self._loop.time() + self._limits.body_idle_s
        if self._expects:
            self._transport.write(CONTINUE)

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        if self._body_bytes > self._limits.body_bytes:
            raise Refused(413, f"the body is over {self._limits.body_bytes} bytes")
        self.deadline_s = self._loop.time() + self._limits.body_idle_s
        self._body.append(body)

    def on_message_complete(self) -> None:
        parser = self._parser
        path, _, query = self._url.decode("latin-1").partition("?")
        if path[:1] != "/":
            path = _origin_form(path)
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        request = HttpRequest(parser.get_method().decode("latin-1"), path, query, self._headers, body)
        keep_alive = parser.should_keep_alive()
        self._reset()
        if self._task is None:
            self._start(request, keep_alive)
            return
        self._waiting.append((request, keep_alive))
        if len(self._waiting) >= READ_AHEAD:
            self._transport.pause_reading()

    # --- answering ------------------------------------------------------------------------

    def _start(self, request: HttpRequest, keep_alive: bool) -> None:
        self._task = self._loop.create_task(self._answer(request, keep_alive))

    async def _answer(self, request: HttpRequest, keep_alive: bool) -> None:
        try:
            response = await self._handler(request, self._source_ip)
        except Exception:
            log.exception("a request failed", action="http.fail", method=request.method, path=request.path)
            response = HttpResponse(500, [("content-type", "text/plain")], b"Internal Server Error\n")
        self._task = None
        if self._transport.is_closing():
            return
        keep_alive = keep_alive and not self._closing
        self._transport.write(bytes_of(response, keep_alive=keep_alive, head_only=request.method == "HEAD"))
        if not keep_alive:
            self._transport.close()
            return
        self.deadline_s = self._loop.time() + self._limits.keep_alive_s
        if self._waiting:
            self._start(*self._waiting.popleft())
            self._transport.resume_reading()

    def _refuse(self, refused: Refused) -> None:
        self._closing = True
        response = HttpResponse(refused.status, [("content-type", "text/plain")], f"{refused}\n".encode())
        if self._task is None and not self._transport.is_closing():
            self._transport.write(bytes_of(response, keep_alive=False))
            self._transport.close()


def _origin_form(target: str) -> str:
    """The path of an absolute-form request target (`GET http://host/path`); `*` stays."""
    _, separator, rest = target.partition("://")
    if not separator:
        return target
    return "/" + rest.partition("/")[2]
