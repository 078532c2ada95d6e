"""Serving connections from a listening socket, and stopping without cutting anybody off."""

import asyncio
import socket
from collections.abc import Callable
from functools import partial

import structlog

from lambent.clock import Clock
from lambent.gateway.http.connection import Connection
from lambent.gateway.http.date import DateLine
from lambent.gateway.http.doorman import Doorman
from lambent.gateway.http.least_connections import LeastConnections
from lambent.gateway.http.room import Room
from lambent.gateway.http.rules import Handler, Limits, Served, Streams
from lambent.gateway.http.tls import Tls

SWEEP_S = 1.0

log = structlog.get_logger()


class HttpServer:
    """All connections of one process. The socket belongs to whoever made it.

    Args:
        streams: says of a request, whose body is still empty, whether the handler is to get the body as a stream.
        room: for the connections of all listeners that are not given one of their own.
    """

    def __init__(
        self, handler: Handler, clock: Clock, limits: Limits, streams: Streams | None = None, room: Room | None = None
    ) -> None:
        self._room = room or Room()
        self._served, self._clock = Served(handler, limits, streams, DateLine(clock)), clock
        self._connections = _Held()
        self._doors: set[Doorman] = set()

    def accept(
        self,
        listener: socket.socket,
        tls: Tls | None = None,
        sharing: LeastConnections | None = None,
        room: Room | None = None,
    ) -> Doorman:
        """Accept from `listener`, which may be shared with other processes (then say how) or live in another
        network namespace; several may be served at once. With `tls` it takes HTTPS as well. Connections are hung up on
        when `room` has no place for them."""
        if sharing is not None:
            self._connections.tell = sharing.tell
        made = partial(self._connection, room or self._room)
        door = Doorman(listener, made, self._connections.__len__, self._served.limits.head_s, tls, sharing)
        self._doors.add(door)
        return door

    def _connection(self, room: Room) -> asyncio.Protocol:
        return Connection(self._served, self._connections, room)

    def leave(self, door: Doorman) -> None:
        """Accept no more from one listener."""
        self._doors.discard(door)
        door.close()

    async def run(self) -> None:
        """Cut off connections whose time is up, tell of refusals; its owner keeps and cancels this task."""
        loop = asyncio.get_running_loop()
        while True:
            await self._clock.sleep(SWEEP_S)
            now_s = loop.time()
            for connection in list(self._connections):
                connection.expire(now_s)
            for name, count in self._room.take_refusals().items():
                log.warning(f"{name or 'the outside'} sends too much at once: {count} refused", action="http.crowded")

    async def stop(self, patience_s: float) -> int:
        """Accept nothing more, let running requests finish; the number that did not in time."""
        for door in list(self._doors):
            self.leave(door)
        for connection in list(self._connections):
            connection.close()
        step_s = 0.02
        while patience_s > 0 and self.busy:
            await self._clock.sleep(step_s)
            patience_s -= step_s
        return self.busy

    @property
    def busy(self) -> int:
        """Connections with a request under way."""
        return sum(connection.busy for connection in self._connections)


class _Held(set[Connection]):
    """The connections of a server; whoever shares its listener is told when one has gone."""

    tell: Callable[[int], None] | None = None

    def discard(self, element: object, /) -> None:
        super().discard(element)
        if self.tell is not None:
            self.tell(len(self))
