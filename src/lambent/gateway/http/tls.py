"""HTTPS on the port of HTTP: the first byte that a client sends says which of the two it speaks.

A TLS connection begins with a handshake record, whose first byte is 0x16 (RFC 8446, section 5.1), and no request of
HTTP begins so. The byte is looked at and left in the socket, so that the loop's own TLS takes the whole handshake.
Costs a connection one more turn of the loop, and a request nothing; without TLS this room is not entered at all.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import structlog
from msgspec import Struct

HANDSHAKE = 0x16
AT_ONCE = 64  # connections accepted in one turn of the loop
OUT_OF_FILES_S = 1.0
LOOKED_AT_EVERY_S = 60.0

log = structlog.get_logger()


class Identity(Struct, frozen=True):
    """Where the endpoint's certificate (with those between it and its authority) and its key lie."""

    certificate: Path
    key: Path


class Tls:
    """The endpoint's TLS: what is shown to a client that comes now. Replaced files are taken up by `refresh`.

    Raises:
        OSError: the files are not there, or are no certificate with its key (ssl.SSLError is one).
    """

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._seen = _stamps(identity)
        self.context = context_of(identity)

    def refresh(self) -> None:
        """Show the certificate that lies there now; the old one, and a warning, while that cannot be read."""
        try:
            stamps = _stamps(self._identity)
            if stamps != self._seen:
                self.context, self._seen = context_of(self._identity), stamps
                log.info("a new certificate", action="tls.renewed", path=str(self._identity.certificate))
        except OSError as error:
            log.warning(f"the certificate cannot be read: {error}", action="tls.unreadable")


def context_of(identity: Identity) -> ssl.SSLContext:
    """What a server with this certificate speaks: TLS 1.2 and 1.3, HTTP/1.1. Raises OSError."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(identity.certificate, identity.key)
    context.set_alpn_protocols(["http/1.1"])
    return context


def _stamps(identity: Identity) -> list[tuple[int, int]]:
    found = (path.stat() for path in (identity.certificate, identity.key))
    return [(each.st_mtime_ns, each.st_ino) for each in found]


class Doorman:
    """Accepts connections from `listener`, and has each served by a new `protocol`, with or without TLS.

    Args:
        patience_s: how long a client may take to send its first byte, and again to end its handshake.
    """

    def __init__(
        self, listener: socket.socket, protocol: Callable[[], asyncio.Protocol], tls: Tls, patience_s: float
    ) -> None:
        self._listener, self._protocol, self._tls, self._patience_s = listener, protocol, tls, patience_s
        self._loop = asyncio.get_running_loop()
        self._silent: dict[socket.socket, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._open = True
        self._loop.add_reader(listener.fileno(), self._accept)

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
            try:
                client, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return  # another edge has taken it, or it has gone
            except OSError as error:
                self._rest(error)
                return
            client.setblocking(False)
            self._silent[client] = self._loop.call_later(self._patience_s, self._turn_away, client)
            self._loop.add_reader(client.fileno(), self._look, client)

    def _rest(self, error: OSError) -> None:
        """No descriptor is left: connections wait in the kernel for a moment."""
        log.error(f"cannot accept connections: {error}", action="http.accept")
        self._loop.remove_reader(self._listener.fileno())
        self._loop.call_later(OUT_OF_FILES_S, self._go_on)

    def _go_on(self) -> None:
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
        task = self._loop.create_task(self._serve(client, secure=first[0] == HANDSHAKE))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, client: socket.socket, *, secure: bool) -> None:
        context, patience_s = (self._tls.context, self._patience_s) if secure else (None, None)
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
