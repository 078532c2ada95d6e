"""The relay's own process, and the agent's hand on it: one for all environments of a node that have `egress`.

It is a process of its own so that traffic never keeps the agent from its work, and is started when the first
environment needs it. Its thread for the environments' namespaces is apart from the one for the host's (see
`network_namespace`). When it dies, the environments that it served are of no use any more: `on_lost` is told.

The agent says `Wanted` with a descriptor of the network namespace, and hears `Done`; says `Wanted` without
`open` when the environment has gone. `main` runs in the new process, with descriptor 3.
"""

import asyncio
import contextlib
import os
import resource
import socket
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import msgspec
import structlog
import uvloop
from msgspec import Struct

from lambent.clock import Clock, SystemClock
from lambent.sandbox import network_namespace, network_routes
from lambent.sandbox.api import SandboxFailure
from lambent.sandbox.network_relay import Judge, Place, Relay
from lambent.sandbox.network_rules import rules
from lambent.sandbox.packets import Packets, packet_pair

REQUESTS = 3

log = structlog.get_logger()


class Wanted(Struct, frozen=True):
    """agent -> relay: serve this namespace, or no more."""

    number: int
    open: bool
    allow: tuple[str, ...] = ()


class Done(Struct, frozen=True):
    """relay -> agent, for each `open`."""

    number: int
    error: str = ""


class Server:
    """Inside the process: the relays by number."""

    def __init__(self, packets: Packets, clock: Clock) -> None:
        self._packets, self._clock = packets, clock
        self._inside = ThreadPoolExecutor(1, "namespaces")
        self._relays: dict[int, tuple[Relay, int]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        """Until the agent hangs up."""
        while True:
            message, descriptors = await self._packets.receive()
            if not message:
                return
            wanted = msgspec.msgpack.decode(message, type=Wanted)
            work = self._open(wanted, descriptors[0]) if wanted.open else self._close(wanted.number)
            task = asyncio.get_running_loop().create_task(work)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _open(self, wanted: Wanted, namespace: int) -> None:
        loop = asyncio.get_running_loop()

        async def answering(meant: Place, client: Place) -> socket.socket:
            return await loop.run_in_executor(
                self._inside, network_namespace.answering_socket, namespace, meant, client
            )

        try:
            allowed, ipv6 = rules(wanted.allow), network_routes.has_ipv6()  # the host's: not asked from inside
            doors = await loop.run_in_executor(
                self._inside, lambda: network_namespace.furnish(namespace, allowed, ipv6=ipv6)
            )
        except Exception as error:  # told to who asked, whatever it is: nobody may wait for ever
            os.close(namespace)
            self._packets.send_nowait(msgspec.msgpack.encode(Done(wanted.number, f"{type(error).__name__}: {error}")))
            return
        relay = Relay(doors, Judge(allowed, network_routes.leads_away), answering, self._clock)
        self._relays[wanted.number] = relay, namespace
        relay.start()
        self._packets.send_nowait(msgspec.msgpack.encode(Done(wanted.number)))

    async def _close(self, number: int) -> None:
        if number in self._relays:
            relay, namespace = self._relays.pop(number)
            await relay.close()
            os.close(namespace)


class Egress:
    """The agent's side. `open` may be called by many tasks at once."""

    def __init__(self, allow: tuple[str, ...], on_lost: Callable[[], None]) -> None:
        self._allow, self._on_lost = allow, on_lost
        self._starting = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._packets: Packets | None = None
        self._listening: asyncio.Task[None] | None = None
        self._waiting: dict[int, asyncio.Future[Done]] = {}
        self._serial = 0

    async def open(self, pid: int) -> int:
        """Lead the network of process `pid` to the internet; returns the number to close it by.

        Raises:
            SandboxFailure: it could not be done; the message says why.
        """
        async with self._starting:
            if self._packets is None:
                await self._start()
        packets = self._packets
        assert packets is not None
        self._serial += 1
        number = self._serial
        future = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            namespace = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
            try:
                packets.send_nowait(msgspec.msgpack.encode(Wanted(number, True, self._allow)), [namespace])
            finally:
                os.close(namespace)
            done = await future
        except OSError as error:
            raise SandboxFailure(f"No way to the internet: {error}") from error
        finally:
            del self._waiting[number]
        if done.error:
            raise SandboxFailure(f"No way to the internet: {done.error}")
        return number

    def close_nowait(self, number: int) -> None:
        """The environment has gone."""
        if self._packets is not None:
            with contextlib.suppress(OSError):  # the relay has gone, too
                self._packets.send_nowait(msgspec.msgpack.encode(Wanted(number, False)))

    async def _start(self) -> None:
        ours, theirs = packet_pair()
        with theirs:
            descriptor = theirs.fileno()
            code = f"import os; os.dup2({descriptor}, {REQUESTS}); from {__name__} import main; main()"
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", code, stdin=asyncio.subprocess.DEVNULL, pass_fds=(descriptor,)
            )
        self._packets = Packets(ours)
        self._listening = asyncio.get_running_loop().create_task(self._listen(self._packets, self._process))

    async def _listen(self, packets: Packets, process: asyncio.subprocess.Process) -> None:
        try:
            while message := (await packets.receive())[0]:
                done = msgspec.msgpack.decode(message, type=Done)
                future = self._waiting.get(done.number)
                if future is not None and not future.done():  # who asked may be on the way out
                    future.set_result(done)
            log.error("the relay died", action="agent.relay")
            self._on_lost()
        finally:
            self._packets = None
            packets.close()
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(OSError("the relay died"))
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def close(self) -> None:
        """End the process."""
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)


async def _main() -> None:
    await Server(Packets(socket.socket(fileno=REQUESTS)), SystemClock()).serve()


def main() -> None:
    """Serve the agent at descriptor 3 until it hangs up; then everything ends with the process."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    uvloop.run(_main())
    os._exit(0)  # connections in hand are not waited for: their environments have gone
