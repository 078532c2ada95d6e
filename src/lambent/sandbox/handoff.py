"""Handing environments to edges: descriptors over a Unix socket.

An edge connects, says who it is with one `Hello`, and from then on receives one message per
environment: an `EnvironmentGrant` in msgpack, with its descriptors (their order is that of
`EnvironmentGrant`). Nothing else is ever sent. When a connection ends, whoever held it can no longer be
served, and `on_lost` is told, so that its environments can be stopped.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import structlog

from lambent.model.environment import EnvironmentGrant
from lambent.model.messages import Hello
from lambent.sandbox.api import SandboxFailure
from lambent.sandbox.packets import LARGEST_BYTES, Packets

BACKLOG = 128

log = structlog.get_logger()


class Receiver:
    """One edge's connection."""

    def __init__(self, hello: Hello, packets: Packets) -> None:
        self.hello, self._packets = hello, packets

    def hand(self, grant: EnvironmentGrant, descriptors: Sequence[int]) -> None:
        """Give the environment away; the descriptors stay ours to close.

        Raises:
            SandboxFailure: the edge has gone, or takes nothing any more.
        """
        try:
            self._packets.send_nowait(msgspec.msgpack.encode(grant), descriptors)
        except OSError as error:
            raise SandboxFailure(f"edge {self.hello.edge} takes no environment: {error}") from error


class Handoff:
    """The listener. `open`, then `receiver` as edges come; `close` hangs up on all of them."""

    def __init__(self, path: Path, on_lost: Callable[[Receiver], None]) -> None:
        self._path, self._on_lost = path, on_lost
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.setblocking(False)
        self._receivers: dict[int, Receiver] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def open(self) -> None:
        """Listen, in place of a socket that a dead agent left behind."""
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()
        previous = os.umask(0o177)
        try:
            self._socket.bind(str(self._path))
        finally:
            os.umask(previous)
        self._socket.listen(BACKLOG)
        asyncio.get_running_loop().add_reader(self._socket, self._accept)

    def receiver(self, edge: int) -> Receiver:
        """The newest connection of that edge.

        Raises:
            SandboxFailure: it is not connected.
        """
        if edge not in self._receivers:
            raise SandboxFailure(f"edge {edge} is not connected to the agent")
        return self._receivers[edge]

    def _accept(self) -> None:
        connection, _ = self._socket.accept()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, LARGEST_BYTES)
        task = asyncio.get_running_loop().create_task(self._serve(Packets(connection)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, packets: Packets) -> None:
        try:
            message, _ = await packets.receive()
            if not message:
                return
            receiver = Receiver(msgspec.msgpack.decode(message, type=Hello), packets)
            await self._hold(receiver, packets)
        except msgspec.MsgspecError as error:
            log.error("not a hello", action="handoff.refuse", error=str(error))
        finally:
            packets.close()

    async def _hold(self, receiver: Receiver, packets: Packets) -> None:
        edge = receiver.hello.edge
        self._receivers[edge] = receiver
        try:
            await packets.receive()  # edges say nothing more: this is the end of the connection
        finally:
            if self._receivers.get(edge) is receiver:
                del self._receivers[edge]
            self._on_lost(receiver)

    async def close(self) -> None:
        """Stop listening, hang up, and take the socket file away."""
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._path.unlink(missing_ok=True)
