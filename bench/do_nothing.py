"""The limit: a pipeline of the same shape as an invocation, in which every part does nothing.

    wrk -> HTTP front in an asyncio process on uvloop -> socket -> one of several Python processes,
    which echoes a length-prefixed frame -> the answer

No signature is checked, no configuration looked up, nothing is logged or metered, and there are no
walls. What Lambent does beyond this is what its ratio to this pipeline pays for. Two fronts can be
measured: httptools (the parser that Lambent's own front uses) and Granian; the faster one is the limit.

Usage: python bench/do_nothing.py [--seconds 5] [--front httptools]
"""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import httptools
import uvloop
from granian.constants import Interfaces
from granian.server.embed import Server

from command import how_many, numbers, parser, run
from load import measure, require_wrk, script

BODY = b'{"a":"hello world","n":[1,2,3]}'
ECHO = """
import socket, struct, sys
channel = socket.socket(fileno=int(sys.argv[1]))
reader = channel.makefile("rb")
while head := reader.read(4):
    channel.sendall(head + reader.read(struct.unpack(">I", head)[0]))
"""
PROCESSES = 64
Echo = Callable[[bytes], Awaitable[bytes]]


class Channel(asyncio.Protocol):
    """The frame channel to one process; serves one request at a time."""

    def __init__(self) -> None:
        self.transport: Any = None
        self.buffer = b""
        self.answer: asyncio.Future[bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        length = int.from_bytes(self.buffer[:4], "big")
        if self.answer is not None and len(self.buffer) >= 4 + length:
            frame, self.buffer = self.buffer[4 : 4 + length], b""
            self.answer.set_result(frame)

    async def echo(self, payload: bytes) -> bytes:
        """There and back."""
        self.answer = asyncio.get_running_loop().create_future()
        self.transport.write(len(payload).to_bytes(4, "big") + payload)
        return await self.answer


async def start_pool() -> Echo:
    """Start the processes; an echo that takes the most recently used idle one."""
    loop = asyncio.get_running_loop()
    idle: list[Channel] = []
    for _ in range(PROCESSES):
        ours, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-S", "-c", ECHO, str(theirs.fileno())]
            await asyncio.create_subprocess_exec(*command, pass_fds=[theirs.fileno()])
        ours.setblocking(False)
        _, channel = await loop.create_unix_connection(Channel, sock=ours)
        idle.append(channel)

    async def echo(payload: bytes) -> bytes:
        channel = idle.pop()
        try:
            return await channel.echo(payload)
        finally:
            idle.append(channel)

    return echo


class Front(asyncio.Protocol):
    """One HTTP connection, parsed by httptools."""

    def __init__(self, echo: Echo) -> None:
        self.echo = echo
        self.parser = httptools.HttpRequestParser(self)
        self.tasks: set[asyncio.Task[None]] = set()
        self.transport: Any = None
        self.body = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_begin(self) -> None:
        self.body = b""

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        task = asyncio.get_running_loop().create_task(self.serve(self.body))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def serve(self, body: bytes) -> None:
        answer = await self.echo(body)
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(answer)
        if not self.transport.is_closing():  # wrk hangs up in the middle when its time is over
            self.transport.write(head + answer)


async def run_httptools(port: int) -> None:
    """Serve until killed."""
    echo = await start_pool()
    server = await asyncio.get_running_loop().create_server(lambda: Front(echo), "127.0.0.1", port)
    await server.serve_forever()


async def run_granian(port: int) -> None:
    """Serve until killed."""
    echo = await start_pool()

    async def app(_scope: Any, protocol: Any) -> None:
        protocol.response_bytes(200, [("content-type", "application/json")], await echo(await protocol()))

    server = Server(app, address="127.0.0.1", port=port, interface=Interfaces.RSGI, log_enabled=False)
    await server.serve()


FRONTS = {"httptools": run_httptools, "granian": run_granian}


@contextlib.contextmanager
def running(front: str) -> Iterator[str]:
    """The pipeline in a process of its own; its URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([sys.executable, __file__, "--serve", str(port), "--front", front], process_group=0)
    try:
        url = f"http://127.0.0.1:{port}/"
        wait_for(url)
        yield url
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # the echo processes are in its group
        process.wait()


def wait_for(url: str) -> None:
    """Return once the echo works."""
    for _ in range(200):
        with contextlib.suppress(OSError), urllib.request.urlopen(url, data=BODY, timeout=5) as answer:
            if answer.read() == BODY:
                return
        time.sleep(0.05)
    raise SystemExit(f"{url} does not echo")


def figures(front: str, concurrencies: list[int], seconds: int) -> dict[str, Any]:
    """wrk at each concurrency."""
    require_wrk()
    lua = script(BODY, {"Content-Type": "application/json"})
    with running(front) as url:
        return {str(concurrency): measure(url, lua, concurrency, seconds) for concurrency in concurrencies}


def main() -> None:
    """Measure and print, or (in the process of its own) serve."""
    flags = parser(__doc__)
    flags.add_argument("--front", choices=FRONTS, default="httptools")
    flags.add_argument("--concurrency", type=numbers, default=[1, 16, 64])
    flags.add_argument("--seconds", type=how_many, default=5)
    flags.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    arguments = flags.parse_args()
    if arguments.serve:
        uvloop.run(FRONTS[arguments.front](arguments.serve))
    print(json.dumps(figures(arguments.front, arguments.concurrency, arguments.seconds), indent=1))


if __name__ == "__main__":
    run(main)
