"""The way of one environment to the internet: connections and datagrams, each judged, then carried.

Knows: the doors of a namespace (`network_namespace`), and who may be reached (`network_rules`, and the
kernel's word on what is this host's own). Does not know functions. Nothing is read of what it carries.

A TCP connection is accepted by the kernel before it is judged; one that may not be made, or that fails on
its way, is reset. Datagrams without an answer are forgotten. Names are asked of the host's own resolvers.
"""

import asyncio
import contextlib
import ipaddress
import socket
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path

from lambent.clock import Clock
from lambent.sandbox.network_namespace import IP_RECVORIGDSTADDR, IPV6_RECVORIGDSTADDR, Doors
from lambent.sandbox.network_rules import Address, Rules

CONNECT_LIMIT_S = 60.0
CHUNK_BYTES = 65_536
MOST_CONNECTIONS, MOST_FLOWS = 1_024, 256
FLOW_IDLE_S, NAME_LIMIT_S = 60.0, 5.0
DATAGRAM_BYTES, ANCILLARY_BYTES = 65_536, 128
DNS_PORT = 53
RESOLVERS = Path("/etc/resolv.conf")
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: gone at once

Place = tuple[str, int]
OpenAnswering = Callable[[Place, Place], Awaitable[socket.socket]]


def resolvers(text: str) -> list[str]:
    """The nameservers of a resolv.conf(5)."""
    words = [line.split() for line in text.splitlines()]
    return [line[1].partition("%")[0] for line in words if len(line) > 1 and line[0] == "nameserver"]


def host_resolvers() -> list[str]:
    """This host's, as they are now."""
    return resolvers(RESOLVERS.read_text())


def meant(ancillary: list[tuple[int, int, bytes]]) -> Place | None:
    """The address that a redirected datagram was sent to."""
    for level, kind, data in ancillary:
        if (level, kind) == (socket.IPPROTO_IP, IP_RECVORIGDSTADDR):
            return socket.inet_ntop(socket.AF_INET, data[4:8]), int.from_bytes(data[2:4], "big")
        if (level, kind) == (socket.IPPROTO_IPV6, IPV6_RECVORIGDSTADDR):
            return socket.inet_ntop(socket.AF_INET6, data[8:24]), int.from_bytes(data[2:4], "big")
    return None


class Judge:
    """Whether a place may be reached."""

    def __init__(self, rules: Rules, leads_away: Callable[[Address], bool]) -> None:
        self._rules, self._leads_away = rules, leads_away

    def permits(self, host: str) -> bool:
        """Both by its range and by what the kernel says of it now."""
        address = ipaddress.ip_address(host)
        if self._rules.allowed_by_name(address):
            return True
        return self._rules.permits(address) and self._leads_away(address)


class Relay:
    """Serves one namespace from `start` to `close`."""

    def __init__(self, doors: Doors, judge: Judge, open_answering: OpenAnswering, clock: Clock) -> None:
        self._doors, self._judge, self._open_answering, self._clock = doors, judge, open_answering, clock
        self._tasks: set[asyncio.Task[None]] = set()
        self._flows: dict[tuple[Place, Place], Flow] = {}
        self._connections = 0

    def start(self) -> None:
        """Begin to answer."""
        loop = asyncio.get_running_loop()
        for stream in self._doors.streams:
            self._own(self._accept(stream, self._carry_stream))
        self._own(self._accept(self._doors.names_streams, self._carry_names))
        for datagram in self._doors.datagrams:
            loop.add_reader(datagram, self._take_datagram, datagram)
        loop.add_reader(self._doors.names, self._take_name)
        self._own(self._forget_idle())

    async def close(self) -> None:
        """End every connection and let the namespace go."""
        loop = asyncio.get_running_loop()
        for each in (*self._doors.datagrams, self._doors.names):
            loop.remove_reader(each)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for flow in self._flows.values():
            flow.close()
        self._doors.close()

    def _own(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept(self, door: socket.socket, carry: Callable[[socket.socket], Awaitable[None]]) -> None:
        while True:
            try:
                inside, _ = await asyncio.get_running_loop().sock_accept(door)
            except OSError:  # this process is out of descriptors, or the caller has gone
                await self._clock.sleep(0.01)
                continue
            if self._connections >= MOST_CONNECTIONS:
                _reset(inside)
            else:
                self._own(self._counted(carry, inside))

    async def _counted(self, carry: Callable[[socket.socket], Awaitable[None]], inside: socket.socket) -> None:
        self._connections += 1
        inside.setblocking(False)
        try:
            await carry(inside)
        except (OSError, TimeoutError):
            _reset(inside)
        finally:
            self._connections -= 1
            inside.close()

    async def _carry_stream(self, inside: socket.socket) -> None:
        host, port = inside.getsockname()[:2]
        if not self._judge.permits(host):
            raise PermissionError(host)
        await _carry(inside, (host, port))

    async def _carry_names(self, inside: socket.socket) -> None:
        for resolver in host_resolvers()[:1]:
            await _carry(inside, (resolver, DNS_PORT))

    def _take_name(self) -> None:
        with contextlib.suppress(OSError):
            question, client = self._doors.names.recvfrom(DATAGRAM_BYTES)
            if len(self._tasks) < MOST_CONNECTIONS:
                self._own(self._answer_name(question, client))

    async def _answer_name(self, question: bytes, client: Place) -> None:
        for resolver in host_resolvers():
            try:
                answer = await _ask(resolver, question)
            except (OSError, TimeoutError):
                continue
            with contextlib.suppress(OSError):
                self._doors.names.sendto(answer, client)
            return

    def _take_datagram(self, door: socket.socket) -> None:
        try:
            data, ancillary, _, client = door.recvmsg(DATAGRAM_BYTES, ANCILLARY_BYTES)
        except OSError:
            return
        place = meant(ancillary)
        if place is None or not self._judge.permits(place[0]):
            return
        flow = self._flows.get((client[:2], place))
        if flow is not None:
            flow.send(data)
            return
        if len(self._flows) >= MOST_FLOWS:
            self._flows.pop(next(iter(self._flows))).close()
        flow = self._flows[client[:2], place] = Flow(self._clock, data)
        self._own(self._open_flow(flow, client[:2], place))

    async def _open_flow(self, flow: "Flow", client: Place, place: Place) -> None:
        try:
            flow.open(await self._open_answering(place, client), place)
        except OSError:
            flow.close()
        if flow.closed:
            self._flows.pop((client, place), None)

    async def _forget_idle(self) -> None:
        while True:
            await self._clock.sleep(FLOW_IDLE_S / 4)
            earliest_s = self._clock.monotonic_s() - FLOW_IDLE_S
            for key, flow in list(self._flows.items()):
                if flow.used_s < earliest_s:
                    flow.close()
                    del self._flows[key]


class Flow:
    """Datagrams between one socket of a function and one place."""

    def __init__(self, clock: Clock, first: bytes) -> None:
        self._clock, self._waiting = clock, [first]
        self._inside: socket.socket | None = None
        self._outside: socket.socket | None = None
        self.used_s, self.closed = clock.monotonic_s(), False

    def open(self, inside: socket.socket, place: Place) -> None:
        """Connect both ends and send what has waited."""
        if self.closed:  # pushed out while it opened
            inside.close()
            return
        self._inside = inside
        self._outside = socket.socket(inside.family, socket.SOCK_DGRAM)
        self._outside.setblocking(False)
        self._outside.connect(place)
        loop = asyncio.get_running_loop()
        loop.add_reader(self._inside, self._carry, self._inside, self._outside)
        loop.add_reader(self._outside, self._carry, self._outside, self._inside)
        waiting, self._waiting = self._waiting, []
        for data in waiting:
            self.send(data)

    def send(self, data: bytes) -> None:
        """From the function to the place."""
        self.used_s = self._clock.monotonic_s()
        if self._outside is None:
            self._waiting = [*self._waiting[-7:], data]
            return
        with contextlib.suppress(OSError):  # lost on the way, as datagrams may be
            self._outside.send(data)

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        self.used_s = self._clock.monotonic_s()
        with contextlib.suppress(OSError):
            target.send(source.recv(DATAGRAM_BYTES))

    def close(self) -> None:
        """Let both ends go."""
        self.closed = True
        for each in (self._inside, self._outside):
            if each is not None and each.fileno() >= 0:
                asyncio.get_running_loop().remove_reader(each)
                each.close()


def _reset(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    connection.close()


async def _ask(resolver: str, question: bytes) -> bytes:
    loop, family = asyncio.get_running_loop(), socket.AF_INET6 if ":" in resolver else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as outside:
        outside.setblocking(False)
        outside.connect((resolver, DNS_PORT))
        await loop.sock_sendall(outside, question)
        async with asyncio.timeout(NAME_LIMIT_S):
            return await loop.sock_recv(outside, DATAGRAM_BYTES)


async def _carry(inside: socket.socket, place: Place) -> None:
    """Connect, and carry both ways until both have ended."""
    loop, family = asyncio.get_running_loop(), socket.AF_INET6 if ":" in place[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as outside:
        outside.setblocking(False)
        outside.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        inside.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        async with asyncio.timeout(CONNECT_LIMIT_S):
            await loop.sock_connect(outside, place)
        async with asyncio.TaskGroup() as both:
            both.create_task(_pump(inside, outside))
            both.create_task(_pump(outside, inside))


async def _pump(source: socket.socket, target: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    while data := await loop.sock_recv(source, CHUNK_BYTES):
        await loop.sock_sendall(target, data)
    with contextlib.suppress(OSError):  # the other end has gone already
        target.shutdown(socket.SHUT_WR)
