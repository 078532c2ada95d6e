"""Invocations that run at another edge than they came to, and their answers in pieces on the way back.

The edge that an invocation came to (`Arrivals`) names a number for each stream that it expects; the one that runs it
(`Guests`) calls with what pieces it has, and calls again when that was answered. The answer comes when there is room:
so a client that does not read holds a function back across edges as it does at one (see `invocation.streaming`), and
each edge holds no more than it would for a function and a client of its own.

Who has gone: a client that hangs up is told of with the next answer, and the function runs on for nobody. With
the line between the edges all calls on it end: the function runs on where it is, and the client hears that its
invocation was lost, before its first piece or behind its last. See docs/decisions/0040.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import msgspec

from lambent.invocation.streaming import AnswerStream
from lambent.model.invocation import InvocationResult
from lambent.model.messages import Guest, Pieces
from lambent.transport.peer import Method, Methods, Peer

Host = Callable[[Guest, AnswerStream | None], Awaitable[InvocationResult | None]]


class Arrival:
    """One answer that is expected from another edge, and whether there is room for more of it."""

    def __init__(self, stream: AnswerStream) -> None:
        self._stream, self._room = stream, asyncio.Event()

    async def take(self, what: Pieces) -> bool:
        """Hand on `what`; whether more is wanted, as soon as there is room."""
        stream = self._stream
        if not stream.is_open:
            stream.version = what.version
            stream.opened(what.content_type, self._room.set)
        for piece in what.pieces:
            stream.write(piece)
        while stream.full:
            self._room.clear()
            await self._room.wait()
        return stream.is_wanted


class Arrivals:
    """All answers that an edge expects from others."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._expected: dict[int, Arrival] = {}

    def methods(self) -> Methods:
        """What the other edges call."""
        return {"pieces": Method(Pieces, self._pieces)}

    @contextmanager
    def expected(self, guest: Guest, stream: AnswerStream | None) -> Iterator[Guest]:
        """`guest` as it is to be sent, so that pieces of its answer come to `stream` until this is left."""
        if stream is None:
            yield guest
            return
        number = next(self._numbers)
        self._expected[number] = Arrival(stream)
        try:
            yield msgspec.structs.replace(guest, stream=number, limit_bytes=stream.limit_bytes)
        finally:
            del self._expected[number]

    async def _pieces(self, _: Peer, what: Pieces) -> bool:
        arrival = self._expected.get(what.stream)
        return arrival is not None and await arrival.take(what)


class Departure:
    """One answer on its way to the edge that `peer` is, as its number `number`."""

    def __init__(self, peer: Peer, number: int, limit_bytes: int) -> None:
        self._peer, self._number = peer, number
        self._sending: asyncio.Task[None] | None = None
        self.stream = AnswerStream(limit_bytes, self._open)

    async def sent(self) -> None:
        """Returns when all of it has arrived, or nobody wants it."""
        if self._sending is not None:
            await self._sending

    async def close(self) -> None:
        """Nobody waits for it: the function runs on."""
        self.stream.abandon()
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.gather(self._sending, return_exceptions=True)

    def _open(self) -> None:
        self._sending = asyncio.get_running_loop().create_task(self._send())

    async def _send(self) -> None:
        stream, pieces = self.stream, self.stream.take_nowait()
        try:
            while await self._peer.call(
                "pieces", Pieces(self._number, stream.version, stream.content_type, pieces), bool
            ):
                pieces = await stream.take()
                if not pieces:
                    return
        finally:
            stream.abandon()


class Guests:
    """Runs what comes from other edges. `host` says what came of it, and None if it has nothing to run it in."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def serve(self, peer: Peer, guest: Guest) -> InvocationResult | None:
        """What came of it, after the last of its pieces."""
        if not guest.stream:
            return await self._host(guest, None)
        departure = Departure(peer, guest.stream, guest.limit_bytes)
        try:
            return await self._run(guest, departure)
        finally:
            await departure.close()

    async def _run(self, guest: Guest, departure: Departure) -> InvocationResult | None:
        try:
            result = await self._host(guest, departure.stream)
        except Exception as error:  # pieces that came before it go before it
            departure.stream.end(error)
            await departure.sent()
            raise
        if result is not None:
            departure.stream.end(result)
            await departure.sent()
        return result
