"""Bringing events to one subscriber inside the environment: in batches, over a socket that was made in there.

A socket keeps the network namespace that it was made in, so one that the sandbox hands out reaches its own loopback
without a bridge. There is one for each subscriber, used again for each batch: connect(2) with AF_UNSPEC undoes a
connection. What is held is bounded; what is too much, or cannot be delivered, is dropped, counted and told.

Source: Lambda Developer Guide, "Accessing real-time telemetry data for extensions using the Telemetry API" (buffering,
platform.logsDropped); connect(2). That a batch is tried ATTEMPTS times is our own choice.
"""

import asyncio
import contextlib
import ctypes
import socket
from collections import deque
from collections.abc import Callable

from lambent.clock import Clock
from lambent.environment.runtime_api.subscriptions import Buffering, Target

ATTEMPTS, PAUSE_S = 3, 0.1
HELD_BATCHES = 4
MOST_HELD_BYTES = 8 * 1024 * 1024  # for all subscribers of an environment: the memory is an edge's, not the function's
HEAD_BYTES = 65536
ADDRESS = "127.0.0.1"

_libc = ctypes.CDLL(None, use_errno=True)


def disconnect(sock: socket.socket) -> None:
    """Make a TCP socket ready to be connected once more."""
    _libc.connect(sock.fileno(), bytes(16), 16)  # sa_family 0 is AF_UNSPEC


class Room:
    """What the subscribers of one environment have held for them, those batches included that are on their way."""

    def __init__(self, most_bytes: int = MOST_HELD_BYTES) -> None:
        self._most_bytes, self.taken_bytes = most_bytes, 0

    def has(self, size: int) -> bool:
        """Whether so much more may be held."""
        return self.taken_bytes + size <= self._most_bytes


class Delivery:
    """One subscriber's. Owns the socket; `words_on_loss` makes the events that tell of records and bytes that are lost.
    Those are kept however much is held: what tells of a loss must not get lost itself."""

    def __init__(
        self,
        target: Target,
        buffering: Buffering,
        sock: socket.socket,
        clock: Clock,
        words_on_loss: Callable[[int, int], list[bytes]],
        *,
        room: Room,
    ) -> None:
        self._target, self._buffering, self._socket, self._clock = target, buffering, sock, clock
        self._words_on_loss, self._room = words_on_loss, room
        self._events: deque[bytes] = deque()
        self.held_bytes = 0
        self._dropped: tuple[int, int] = (0, 0)
        self._connected = self._hurry = False
        self._woken = asyncio.Event()
        sock.setblocking(False)
        self._task = asyncio.get_running_loop().create_task(self._run())

    def put(self, event: bytes) -> None:
        """One more."""
        own_bytes = HELD_BATCHES * self._buffering.maxBytes
        if self.held_bytes + len(event) > own_bytes or not self._room.has(len(event)):
            self._drop(1, len(event))
            return
        self._keep(event)

    def hurry(self) -> None:
        """The environment ends: wait for nothing more."""
        self._hurry = True
        self._woken.set()

    async def close(self) -> None:
        """Give up what is not delivered."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self._socket.close()

    def _keep(self, event: bytes) -> None:
        self._events.append(event)
        self.held_bytes += len(event)
        self._room.taken_bytes += len(event)
        self._woken.set()

    def _drop(self, records: int, size: int) -> None:
        self._dropped = (self._dropped[0] + records, self._dropped[1] + size)

    async def _run(self) -> None:
        while True:
            await self._wait_for_batch()
            batch = self._take_batch()
            size, delivered = sum(map(len, batch)), await self._deliver(batch)
            self._room.taken_bytes -= size
            if not delivered:
                self._drop(len(batch), size)
            elif self._dropped[0]:
                dropped, self._dropped = self._dropped, (0, 0)
                for event in self._words_on_loss(*dropped):
                    self._keep(event)

    async def _wait_for_batch(self) -> None:
        """Until there is one event, and then until there are enough or the first has waited for long enough."""
        while not self._events:
            self._woken.clear()
            await self._woken.wait()
        alarm = asyncio.ensure_future(self._clock.sleep(self._buffering.timeoutMs / 1000))
        try:
            while not (self._hurry or self._full() or alarm.done()):
                self._woken.clear()
                more = asyncio.ensure_future(self._woken.wait())
                await asyncio.wait((alarm, more), return_when=asyncio.FIRST_COMPLETED)
                more.cancel()
        finally:
            alarm.cancel()

    def _full(self) -> bool:
        return len(self._events) >= self._buffering.maxItems or self.held_bytes >= self._buffering.maxBytes

    def _take_batch(self) -> list[bytes]:
        batch: list[bytes] = []
        size = 0
        while self._events and len(batch) < self._buffering.maxItems:
            if batch and size + len(self._events[0]) > self._buffering.maxBytes:
                break
            batch.append(self._events.popleft())
            size += len(batch[-1])
        self.held_bytes -= size
        return batch

    async def _deliver(self, batch: list[bytes]) -> bool:
        for attempt in range(ATTEMPTS):
            if attempt:
                await self._clock.sleep(PAUSE_S)
            try:
                if self._target.path is None:
                    await self._stream(b"".join(event + b"\n" for event in batch))
                    return True
                if await self._post(b"[" + b",".join(batch) + b"]"):
                    return True
            except OSError:
                self._hang_up()
        return False

    async def _connect(self) -> None:
        if not self._connected:
            await asyncio.get_running_loop().sock_connect(self._socket, (ADDRESS, self._target.port))
            self._connected = True

    def _hang_up(self) -> None:
        self._connected = False
        disconnect(self._socket)

    async def _stream(self, data: bytes) -> None:
        await self._connect()
        await asyncio.get_running_loop().sock_sendall(self._socket, data)

    async def _post(self, body: bytes) -> bool:
        loop, target = asyncio.get_running_loop(), self._target
        head = (
            f"{target.method} {target.path} HTTP/1.1\r\nHost: {target.host}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        try:
            await self._connect()
            await loop.sock_sendall(self._socket, head.encode("latin-1", "replace") + body)
            answer = await loop.sock_recv(self._socket, HEAD_BYTES)
        finally:
            self._hang_up()
        return answer.startswith((b"HTTP/1.1 2", b"HTTP/1.0 2"))
