"""WebSockets held at once, and messages to all of them, on a server of its own.

    .venv/bin/python bench/sockets.py [--connections 5000] [--edges 1]

The promise is 5,000 connections held at once, and a message to each of them, by a signed PostToConnection each, within
2 s, on two cores with the clients and the poster included. Memory is what the edges have more (PSS) for each of them.
"""

import asyncio
import json
import os
import resource
import time
from typing import Any
from urllib.parse import quote, urlsplit

from callers import raw, signed
from command import how_many, parser, run
from lambent.cli.access import client, read_status
from lambent.cli.server import Server, temporary_server
from processes import Meter, edges_of, pss_kb

POSTERS, OPENERS = 16, 64
SPARE_DESCRIPTORS = 300  # for all that is no connection, here and in an edge
MESSAGE = json.dumps({"type": "message", "room": "lobby", "text": "x" * 60}).encode()
MOCK = {"200": '{"statusCode": 200}'}


class Client(asyncio.Protocol):
    """One WebSocket that asks for its id, and then hears messages."""

    def __init__(self, handshake: bytes) -> None:
        loop = asyncio.get_running_loop()
        self._handshake, self._data = handshake, b""
        self.id: asyncio.Future[str] = loop.create_future()
        self.heard: asyncio.Future[float] = loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._handshake)

    def data_received(self, data: bytes) -> None:
        if self.id.done():
            if not self.heard.done():
                self.heard.set_result(time.perf_counter())
            return
        self._data += data
        if b"\r\n\r\n" in self._data and self._handshake:
            self._handshake, self._data = b"", self._data.partition(b"\r\n\r\n")[2]
            self._transport.write(b"\x81\x82\0\0\0\0{}")  # no route takes it: the answer names the connection
        elif b"}" in self._data:
            self.id.set_result(json.loads(self._data[self._data.index(b"{") :])["connectionId"])


class Api:
    """A WebSocket API without any function."""

    def __init__(self, server: Server) -> None:
        self.server, v2 = server, client(server.access, "apigatewayv2")
        expression = "$request.body.action"
        self.id = v2.create_api(Name="b", ProtocolType="WEBSOCKET", RouteSelectionExpression=expression)["ApiId"]
        mock = v2.create_integration(ApiId=self.id, IntegrationType="MOCK", RequestTemplates=MOCK)["IntegrationId"]
        v2.create_route(ApiId=self.id, RouteKey="$connect", Target=f"integrations/{mock}")
        v2.create_stage(ApiId=self.id, StageName="s", AutoDeploy=True)
        self.path = f"/_aws/execute-api/{self.id}/s"
        address = urlsplit(server.endpoint)
        self.host, self.port = address.hostname or "", address.port or 0

    def handshake(self) -> bytes:
        return (
            f"GET {self.path} HTTP/1.1\r\nhost: {self.host}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n"
            "sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        ).encode()

    def post(self, connection_id: str) -> bytes:
        """A signed PostToConnection."""
        url = f"{self.server.endpoint}{self.path}/@connections/{quote(connection_id, safe='')}"
        return raw(url, MESSAGE, signed(self.server.access, url, MESSAGE, {}, "execute-api"))


async def opened(api: Api, count: int) -> list[Client]:
    """So many connections, a few at a time."""
    loop, handshake, turn = asyncio.get_running_loop(), api.handshake(), asyncio.Semaphore(OPENERS)

    async def one() -> Client:
        async with turn:
            _, made = await loop.create_connection(lambda: Client(handshake), api.host, api.port)
            await made.id
            return made

    return list(await asyncio.gather(*(one() for _ in range(count))))


async def post_all(api: Api, requests: list[bytes]) -> int:
    """Send them over a few connections; how many were answered otherwise than with 200."""

    async def poster(mine: list[bytes]) -> int:
        reader, writer = await asyncio.open_connection(api.host, api.port)
        bad = 0
        for request in mine:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
            await reader.readexactly(length)
            bad += not head.startswith(b"HTTP/1.1 200")
        writer.close()
        return bad

    return sum(await asyncio.gather(*(poster(requests[start::POSTERS]) for start in range(POSTERS))))


async def figures(server: Server, count: int) -> dict[str, Any]:
    """Open, hold, and post to all."""
    api = Api(server)
    edges = edges_of(server.access)
    before_kb, begin_s = sum(map(pss_kb, edges)), time.perf_counter()
    clients = await opened(api, count)
    opened_s, grown_kb = time.perf_counter() - begin_s, sum(map(pss_kb, edges)) - before_kb
    held = (await asyncio.to_thread(read_status, server.access))["websockets"]
    requests = [api.post(each.id.result()) for each in clients]
    meter, begin_s = Meter(edges), time.perf_counter()
    refused = await post_all(api, requests)
    heard = await asyncio.wait_for(asyncio.gather(*(each.heard for each in clients)), 30)
    return {
        "connections": count,
        "held": held,
        "opened_per_s": round(count / opened_s),
        "kib_each": round(grown_kb / count, 1),
        "to_all_s": round(max(heard) - begin_s, 2),
        "refused": refused,
        "edge_cpu_us_a_message": round(sum(meter.used_us(count))),
    }


def measure(count: int = 5000, edges: int = 1) -> dict[str, Any]:
    """The figures, with a server of its own."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count + SPARE_DESCRIPTORS:
        raise SystemExit(
            f"{count} connections need a hard limit of {count + SPARE_DESCRIPTORS} open files: ulimit -Hn says {hard}"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with temporary_server(["--log-level", "warning", "--edges", str(edges)]) as server:
        return asyncio.run(figures(server, count))


def main() -> None:
    """Measure and print."""
    flags = parser(__doc__)
    flags.add_argument("--connections", type=how_many, default=5000)
    flags.add_argument("--edges", type=how_many, default=1)
    arguments = flags.parse_args()
    print(f"{os.cpu_count()} cores, clients included: {json.dumps(measure(arguments.connections, arguments.edges))}")


if __name__ == "__main__":
    run(main)
