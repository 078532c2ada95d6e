"""One connection between two parts, on which both may call and both may answer.

A frame is a 4-byte big-endian length and a msgpack array: [kind, call id, method, body], where
body is itself msgpack. Bodies are msgspec Structs, encoded and decoded with their declared types,
so that a frame of the wrong shape is refused at the door.

Rules: a call that cannot be answered, because the connection is gone, raises Unavailable, never
hangs; a ServiceError travels whole; anything else that a handler raises is logged where it
happened and reaches the caller as InternalFailure without its details.
"""

import asyncio
import itertools
import struct
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple, TypeVar

import msgspec
import structlog

from lambent.errors import InternalFailure, RemoteServiceError, ServiceError, Unavailable

CALL, ANSWER, FAILURE, NOTICE = 0, 1, 2, 3
MAX_FRAME_BYTES = 512 * 1024 * 1024
HEADER = struct.Struct(">I")

T = TypeVar("T")
log = structlog.get_logger()


class Failure(msgspec.Struct):
    """A ServiceError on its way to the caller."""

    code: str
    status: int
    message: str
    members: dict[str, Any]


class Method(NamedTuple):
    """How one method is answered: the type of its body, and the coroutine that serves it.

    A caller that hangs up ends the calls that it waits for, but for those of methods with a `keeper`: what follows the
    commit of a change (copies called back, who waits woken) does not depend on who asked for it. Whoever has the set
    owns these tasks."""

    body: Any
    serve: Callable[["Peer", Any], Awaitable[Any]]
    keeper: set[asyncio.Task[None]] | None = None


Methods = Mapping[str, Method]
_encode = msgspec.msgpack.Encoder().encode
_frame = msgspec.msgpack.Decoder(tuple[int, int, str, msgspec.Raw]).decode
_failure = msgspec.msgpack.Decoder(Failure).decode
_decoders: dict[Any, Callable[[Any], Any]] = {}


def _decode(body: Any, kind: Any) -> Any:
    decode = _decoders.get(kind)
    if decode is None:
        decode = _decoders[kind] = msgspec.msgpack.Decoder(kind).decode
    return decode(body)


class Peer(asyncio.Protocol):
    """The other end of a connection. Made by `serve` and `connect`, never directly."""

    def __init__(self, methods: Methods, on_open: Callable[["Peer"], None] | None = None) -> None:
        self._methods = methods
        self._on_open = on_open
        self._calls: dict[int, tuple[Any, asyncio.Future[Any]]] = {}
        self._ids = itertools.count(1)
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.name = ""  # who it is, for logs; set by whoever learns it
        self.number = -1  # which edge it is, where it is one

    async def call(self, method: str, body: Any, answer: type[T]) -> T:
        """Ask the other end and wait for its answer, decoded as `answer`.

        Raises:
            ServiceError: the other end raised it.
            Unavailable: the connection is gone, or went while we waited.
        """
        if self._transport is None or self.closed.done():
            raise Unavailable(f"{self.name or 'the other part'} is not connected")
        number = next(self._ids)
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._calls[number] = (answer, future)
        try:
            self._send(CALL, number, method, body)
            return await future
        finally:
            self._calls.pop(number, None)

    def notify(self, method: str, body: Any) -> None:
        """Tell the other end something, expecting no answer; silently dropped when it is gone."""
        if self._transport is not None and not self.closed.done():
            self._send(NOTICE, 0, method, body)

    def close(self) -> None:
        """Hang up; calls that wait raise Unavailable."""
        if self._transport is not None:
            self._transport.close()

    def _send(self, kind: int, number: int, method: str, body: Any) -> None:
        frame = _encode((kind, number, method, body))
        assert self._transport is not None
        if len(frame) < 65536:
            self._transport.write(HEADER.pack(len(frame)) + frame)
        else:
            self._transport.writelines((HEADER.pack(len(frame)), frame))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self._transport = transport  # type: ignore[assignment]
        if self._on_open is not None:
            self._on_open(self)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.closed.done():
            self.closed.set_result(None)
        for _, future in self._calls.values():
            if not future.done():
                future.set_exception(Unavailable(f"{self.name or 'the other part'} hung up"))
        for task in self._tasks:
            task.cancel()

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        at, end = 0, len(buffer)
        while end - at >= 4:
            (length,) = HEADER.unpack_from(buffer, at)
            if length > MAX_FRAME_BYTES:
                log.error("frame too large", action="transport.refuse", peer=self.name, bytes=length)
                self.close()
                return
            if end - at - 4 < length:
                break
            frame = bytes(memoryview(buffer)[at + 4 : at + 4 + length])
            at += 4 + length
            self._received(frame)
        del buffer[:at]

    def _received(self, frame: bytes) -> None:
        try:
            kind, number, method, body = _frame(frame)
        except msgspec.MsgspecError:
            log.error("malformed frame", action="transport.refuse", peer=self.name)
            self.close()
            return
        if kind in (CALL, NOTICE):
            entry = self._methods.get(method)
            tasks = self._tasks if entry is None or entry.keeper is None else entry.keeper
            task = asyncio.get_running_loop().create_task(self._serve(kind, number, method, body))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        elif number in self._calls:
            self._answered(kind, number, body)

    def _answered(self, kind: int, number: int, body: msgspec.Raw) -> None:
        answer, future = self._calls[number]
        if future.done():
            return
        if kind == FAILURE:
            failure = _failure(body)
            future.set_exception(RemoteServiceError(failure.code, failure.status, failure.message, failure.members))
            return
        try:
            future.set_result(_decode(body, answer))
        except msgspec.MsgspecError as error:
            future.set_exception(error)

    async def _serve(self, kind: int, number: int, method: str, body: msgspec.Raw) -> None:
        try:
            entry = self._methods[method]
            result = await entry.serve(self, _decode(body, entry.body))
        except ServiceError as error:
            if kind == CALL:
                self._fail(number, error)
        except Exception:
            log.exception("a call failed", action="transport.serve", method=method, peer=self.name)
            if kind == CALL:
                self._fail(number, InternalFailure("An internal error occurred; the server's log says more."))
        else:
            if kind == CALL and not self.closed.done():
                self._send(ANSWER, number, "", result)

    def _fail(self, number: int, error: ServiceError) -> None:
        if not self.closed.done():
            self._send(FAILURE, number, "", Failure(error.code, error.status, error.message, error.members))
