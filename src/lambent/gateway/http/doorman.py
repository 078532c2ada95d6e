"""Who accepts connections from a listener, tells HTTP from HTTPS, and lets other processes have their share.

A TLS connection begins with a handshake record, whose first byte is 0x16 (RFC 8446, section 5.1), and no request of
HTTP begins so. The byte is looked at and left in the socket, so that the loop's own TLS takes the whole handshake.
Costs a connection one more turn of the loop, and a request nothing; without TLS nobody looks.

A listener may be shared with other processes. Who has more connections than another of them leaves what comes to that
one for a moment, the longer the more it is ahead. What is then still there it takes, one connection first, then two,
four and so on: the other is busy, or dead.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable

import structlog

from lambent.gateway.http.least_connections import LeastConnections
from lambent.gateway.http.tls import Tls

HANDSHAKE = 0x16
AT_ONCE = 64  # connections accepted in one turn of the loop
GRACE_S, MOST_GRACE_S = 0.001, 0.01  # how long others may go first: for each connection that we are ahead; at most
OUT_OF_FILES_S = 1.0

log = structlog.get_logger()


class Doorman:
    """Accepts connections from `listener`, and has each served by a new `protocol`.

    Args:
        held: how many are being served now.
        patience_s: how long a client may take to send its first byte, and again to end its handshake.
        tls: what HTTPS is spoken with; None for HTTP alone.
        sharing: with whom the listener is shared; None for nobody.
    """

    def __init__(
        self,
        listener: socket.socket,
        protocol: Callable[[], asyncio.Protocol],
        held: Callable[[], int],
        patience_s: float,
        tls: Tls | None = None,
        sharing: LeastConnections | None = None,
    ) -> None:
        self._listener, self._protocol, self._held, self._patience_s = listener, protocol, held, patience_s
        self._tls, self._sharing = tls, sharing
        self._loop = asyncio.get_running_loop()
        self._silent: dict[socket.socket, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._open, self._left_over = True, 1
        listener.setblocking(False)
        self._listen()

    def close(self) -> None:
        """Accept no more. The listener is closed; connections that are served go on."""
        if not self._open:
            return
        self._open = False
        self._loop.remove_reader(self._listener.fileno())
        self._listener.close()
        for client in list(self._silent):
            self._turn_away(client)

    def _accept(self) -> None:
        for _ in range(AT_ONCE):
            ahead = 0 if self._sharing is None else self._sharing.ahead(self._count())
            if ahead > 0:
                self._pause(min(ahead * GRACE_S, MOST_GRACE_S), self._take_left_over)
                return
            self._left_over = 1
            if not self._take():
                return

    def _count(self) -> int:
        """Connections of ours, those included that have only been accepted."""
        return self._held() + len(self._silent) + len(self._tasks)

    def _take_left_over(self) -> None:
        self._listen()
        count, self._left_over = self._left_over, min(2 * self._left_over, AT_ONCE)
        for _ in range(count):
            if not (self._open and self._take()):
                return

    def _take(self) -> bool:
        """Whether there was a connection."""
        try:
            client, _ = self._listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return False  # another process has taken it, or it has gone
        except OSError as error:
            log.error(f"cannot accept connections: {error}", action="http.accept")
            self._pause(OUT_OF_FILES_S, self._listen)  # no descriptor is left: they wait in the kernel for a moment
            return False
        client.setblocking(False)
        if self._tls is None:
            self._begin(client, context=None)
            return True
        self._silent[client] = self._loop.call_later(self._patience_s, self._turn_away, client)
        self._loop.add_reader(client.fileno(), self._look, client)
        return True

    def _pause(self, pause_s: float, then: Callable[[], None]) -> None:
        self._loop.remove_reader(self._listener.fileno())
        self._loop.call_later(pause_s, then)

    def _listen(self) -> None:
        if self._open:
            self._loop.add_reader(self._listener.fileno(), self._accept)

    def _look(self, client: socket.socket) -> None:
        try:
            first = client.recv(1, socket.MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            first = b""
        if not first:
            self._turn_away(client)
            return
        self._forget(client)
        assert self._tls is not None
        self._begin(client, self._tls.context if first[0] == HANDSHAKE else None)

    def _begin(self, client: socket.socket, context: ssl.SSLContext | None) -> None:
        task = self._loop.create_task(self._serve(client, context))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, client: socket.socket, context: ssl.SSLContext | None) -> None:
        patience_s = None if context is None else self._patience_s
        try:
            if client.family != socket.AF_UNIX:
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await self._loop.connect_accepted_socket(
                self._protocol, client, ssl=context, ssl_handshake_timeout=patience_s
            )
        except OSError as error:  # a handshake that failed: ssl.SSLError is one
            log.debug(f"no connection: {error}", action="http.handshake")
            client.close()

    def _turn_away(self, client: socket.socket) -> None:
        self._forget(client)
        client.close()

    def _forget(self, client: socket.socket) -> None:
        self._loop.remove_reader(client.fileno())
        self._silent.pop(client).cancel()
