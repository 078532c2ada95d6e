"""Several servers accept from one listener: each gets its share, and nobody waits for one that does not take it."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from lambent.clock import SystemClock
from lambent.gateway.http.least_connections import LeastConnections, shared_counts
from lambent.gateway.http.rules import Limits
from lambent.gateway.http.server import HttpServer
from lambent.model.http import HttpRequest, HttpResponse

REQUEST = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n"


class Kept:
    """A client's connection that it keeps."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def who(self) -> str:
        """The number of the server that answers it."""
        self._writer.write(REQUEST)
        head = await self._reader.readuntil(b"\r\n\r\n")
        assert b" 200 " in head
        return (await self._reader.readexactly(1)).decode()

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()


class Place:
    """One listener, the counts, and the servers of some of those who have a count."""

    def __init__(self, processes: int) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._counts = shared_counts(processes)
        self.servers: list[HttpServer] = []
        self._kept: list[Kept] = []

    def serve(self, number: int, besides: int = 0) -> None:
        def answer(request: HttpRequest, source_ip: str, respond, body) -> None:  # type: ignore[no-untyped-def]
            respond(HttpResponse(200, [], str(number).encode()))

        server = HttpServer(answer, SystemClock(), Limits())
        server.accept(self._listener.dup(), sharing=LeastConnections(self._counts, number, lambda: besides))
        self.servers.append(server)

    async def connect(self, count: int) -> list[Kept]:
        """As many at once."""
        port = self._listener.getsockname()[1]
        made = await asyncio.gather(*(asyncio.open_connection("127.0.0.1", port) for _ in range(count)))
        self._kept += (kept := [Kept(*each) for each in made])
        return kept

    async def close(self) -> None:
        for each in self._kept:
            await each.close()
        for server in self.servers:
            await server.stop(0)
        self._listener.close()


@asynccontextmanager
async def place(processes: int) -> AsyncIterator[Place]:
    made = Place(processes)
    yield made
    await made.close()


async def shares(kept: list[Kept]) -> dict[str, int]:
    found = [await each.who() for each in kept]
    return {number: found.count(number) for number in sorted(set(found))}


async def test_connections_that_come_at_once_are_shared() -> None:
    async with place(2) as here:
        here.serve(0)
        here.serve(1)
        found = await shares(await here.connect(40))
        assert min(found.get("0", 0), found.get("1", 0)) >= 10, found


async def test_who_lost_its_connections_gets_the_next_ones() -> None:
    async with place(2) as here:
        here.serve(0)
        here.serve(1)
        kept = [(await here.connect(1))[0] for _ in range(12)]
        found = await shares(kept)
        assert min(found.values()) >= 4, found
        for each in kept:
            if await each.who() == "0":
                await each.close()
        again = await shares([(await here.connect(1))[0] for _ in range(5)])
        assert again["0"] >= 4, again


async def test_what_is_no_more_http_counts_too() -> None:
    async with place(2) as here:
        here.serve(0, besides=5)
        here.serve(1)
        found = await shares([(await here.connect(1))[0] for _ in range(5)])
        assert found["1"] >= 4, found


async def test_nobody_waits_for_one_that_is_dead() -> None:
    async with place(2) as here:
        here.serve(0)
        assert await shares(await here.connect(100)) == {"0": 100}


async def test_one_alone_is_never_ahead() -> None:
    alone = LeastConnections(shared_counts(1), 0)
    assert [alone.ahead(count) for count in (0, 1, 64)] == [0, 0, 0]


async def test_who_has_more_than_the_fewest_is_ahead_of_them() -> None:
    counts = shared_counts(3)
    first, second, third = (LeastConnections(counts, number) for number in range(3))
    second.tell(4)
    third.tell(7)
    assert (first.ahead(6), second.ahead(4), third.ahead(7)) == (2, 0, 3)
