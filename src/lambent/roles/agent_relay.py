"""The way from a function in its one init phase (SnapStart) to the platform's endpoint.

An edge serves the environments that it holds. A function that is initialised for a snapshot belongs to no
edge, so the agent carries its connections to the front door, byte by byte, and no further.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

CHUNK_BYTES = 64 * 1024


class Relay:
    """Connects listeners inside sandboxes with the platform's own address."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port

    @contextlib.asynccontextmanager
    async def open(self, listener: int) -> AsyncIterator[None]:
        """Carry what comes in at `listener`, a descriptor that is taken over, until the block ends; -1 for none."""
        if listener < 0:
            yield
            return
        connections: set[asyncio.Task[None]] = set()

        async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            connections.add(task)
            try:
                await self._carry(reader, writer)
            finally:
                connections.discard(task)

        server = await asyncio.start_server(accepted, sock=socket.socket(fileno=listener))
        try:
            yield
        finally:
            server.close()
            for task in list(connections):
                task.cancel()
            await asyncio.gather(*connections, return_exceptions=True)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            their_reader, their_writer = await asyncio.open_connection(self._host, self._port)
        except OSError:
            writer.close()
            return
        try:
            async with asyncio.TaskGroup() as ways:
                ways.create_task(_pour(reader, their_writer))
                ways.create_task(_pour(their_reader, writer))
        finally:
            writer.close()
            their_writer.close()


async def _pour(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):  # either side may hang up at any time
        while data := await source.read(CHUNK_BYTES):
            target.write(data)
            await target.drain()
        if target.can_write_eof():
            target.write_eof()
