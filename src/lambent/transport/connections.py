"""Opening and accepting connections, over Unix sockets and TCP alike."""

import asyncio
import contextlib
import os
from collections.abc import Callable

import structlog

from lambent.clock import Clock
from lambent.errors import Unavailable
from lambent.transport.address import Address
from lambent.transport.peer import Methods, Peer

FIRST_RETRY_S, LONGEST_RETRY_S = 0.01, 0.5

log = structlog.get_logger()


async def serve(address: Address, methods: Methods, on_open: Callable[[Peer], None] | None = None) -> asyncio.Server:
    """Accept connections at `address`, each a Peer that answers `methods`.

    A Unix socket is made with mode 0600, replacing one that a dead process left behind.
    """
    loop = asyncio.get_running_loop()
    if not address.path:
        return await loop.create_server(lambda: Peer(methods, on_open), address.host, address.port)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(address.path)
    previous = os.umask(0o177)
    try:
        return await loop.create_unix_server(lambda: Peer(methods, on_open), address.path, backlog=1024)
    finally:
        os.umask(previous)


async def connect(address: Address, methods: Methods) -> Peer:
    """One connection to `address`.

    Raises:
        OSError: nobody listens there.
    """
    loop = asyncio.get_running_loop()
    if address.path:
        _, peer = await loop.create_unix_connection(lambda: Peer(methods), address.path)
    else:
        _, peer = await loop.create_connection(lambda: Peer(methods), address.host, address.port)
    return peer


class Lasting:
    """A connection that is made again whenever it breaks.

    `on_connect` runs on each new connection before others may use it (to say who we are);
    `on_lose` when one is gone. `run` is the task that its owner keeps and waits for.
    """

    def __init__(
        self,
        address: Address,
        methods: Methods,
        clock: Clock,
        *,
        name: str,
        on_connect: Callable[[Peer], asyncio.Future[None]] | Callable[[Peer], object] | None = None,
        on_lose: Callable[[], None] | None = None,
    ) -> None:
        self._address, self._methods, self._clock, self._name = address, methods, clock, name
        self._on_connect, self._on_lose = on_connect, on_lose
        self._peer: Peer | None = None
        self._ready = asyncio.Event()

    @property
    def peer(self) -> Peer:
        """The live connection.

        Raises:
            Unavailable: there is none at the moment.
        """
        if self._peer is None:
            raise Unavailable(f"{self._name} is not connected")
        return self._peer

    @property
    def connected(self) -> bool:
        """Whether `peer` would answer now."""
        return self._peer is not None

    async def wait_connected(self) -> Peer:
        """The connection, as soon as there is one."""
        while self._peer is None:
            await self._ready.wait()
        return self._peer

    async def run(self) -> None:
        """Connect, wait for the end, connect again; for ever."""
        delay_s = FIRST_RETRY_S
        while True:
            try:
                if await self._connected():
                    delay_s = FIRST_RETRY_S
                    continue
            except OSError:
                pass  # nobody is there yet
            except Exception:  # a greeting that fails must not end the connection for good
                log.exception("a greeting failed", action="transport.greet", peer=self._name)
            await self._clock.sleep(delay_s)
            delay_s = min(delay_s * 2, LONGEST_RETRY_S)

    async def _connected(self) -> bool:
        """Connect once and wait for the end; whether the greeting was answered."""
        peer = await connect(self._address, self._methods)
        peer.name = self._name
        try:
            if self._on_connect is not None:
                greeting = self._on_connect(peer)
                if asyncio.iscoroutine(greeting) or isinstance(greeting, asyncio.Future):
                    await greeting
            self._peer = peer
            self._ready.set()
            await peer.closed
        except Unavailable:
            return False
        finally:
            self._peer = None
            self._ready.clear()
            peer.close()
            if self._on_lose is not None:
                self._on_lose()
            log.warning("connection lost", action="transport.lost", peer=self._name)
        return True
