"""What environments leave unread in sockets: look now and then, and end one that holds more than its memory.

Theory: the kernel keeps the buffers of sockets for all of the host together, and charges those of a connection that
nobody has accepted to no control group. So a function that fills connections to itself takes memory that no limit
of its own knows, until no TCP of the host goes on. How much is held on the whole is one cheap reading, and the upper
bound of what each environment holds; only when that is more than a function may have is each of them looked at, and
only one with many sockets has them read. What is counted are the bytes in the queues; the kernel needs more for them.

What this is not: exact. For `INTERVAL_S` a function may hold what the host has.

Sources: Linux's net/ipv4/proc.c (sockstat: `inuse` is the namespace's, `mem` the host's, in pages), net/ipv4/tcp_ipv4.c
(get_tcp4_sock: the queues, in hexadecimal), mm/memcontrol.c (mem_cgroup_sk_alloc: not in softirq).
"""

import asyncio
import os
import re
from pathlib import Path
from typing import Protocol

import structlog

from lambent.clock import Clock

INTERVAL_S = 1.0
MIB = 1024 * 1024
LEAST_BYTES = 128 * MIB  # the smallest MemorySize
MOST_OF_A_SOCKET_BYTES = 16 * MIB  # both queues, at the largest SO_SNDBUF and SO_RCVBUF of common hosts
TABLES = ("tcp", "tcp6", "udp", "udp6")
_TOTAL = re.compile(rb"^(?:TCP|UDP): .*\bmem (\d+)$", re.MULTILINE)
_SOCKETS = re.compile(rb"^(?:TCP|UDP)6?: inuse (\d+)", re.MULTILINE)
# "sl: local remote state tx_queue:rx_queue"; of one that listens (0A) the numbers are of connections
_QUEUES = re.compile(rb"^ *\d+: [0-9A-F]+:[0-9A-F]{4} [0-9A-F]+:[0-9A-F]{4} (?!0A)[0-9A-F]{2} ([0-9A-F]+):([0-9A-F]+) ")

log = structlog.get_logger()


class Watched(Protocol):
    """A sandbox, as far as this is concerned."""

    pid: int
    memory_mb: int  # what its function may have; 0 as long as it has none

    @property
    def alive(self) -> bool:
        """Whether its first process lives."""

    async def stop(self) -> None:
        """End it."""


class SocketBuffers:
    """The buffers of this machine, read from /proc."""

    def __init__(self, root: Path = Path("/proc")) -> None:
        self._root = root

    def total_bytes(self) -> int:
        """Of the whole host."""
        pages = sum(map(int, _TOTAL.findall(self._read("net/sockstat"))))
        return pages * os.sysconf("SC_PAGE_SIZE")

    def queued_bytes(self, pid: int, limit_bytes: int) -> int:
        """In the network namespace of `pid`; 0 where its sockets are too few to be above the limit."""
        counts = self._read(f"{pid}/net/sockstat") + self._read(f"{pid}/net/sockstat6")
        if sum(map(int, _SOCKETS.findall(counts))) * MOST_OF_A_SOCKET_BYTES <= limit_bytes:
            return 0
        return sum(queued(self._read(f"{pid}/net/{table}")) for table in TABLES)

    def _read(self, name: str) -> bytes:
        try:
            return (self._root / name).read_bytes()
        except OSError:  # it has ended, or the host has no IPv6
            return b""


def queued(table: bytes) -> int:
    """The bytes in the queues of a table such as /proc/net/tcp."""
    found = (_QUEUES.match(line) for line in table.splitlines())
    return sum(int(each[1], 16) + int(each[2], 16) for each in found if each is not None)


class SocketWatcher:
    """Looks at all sandboxes of a node; `run` is a task of whoever made it."""

    def __init__(self, clock: Clock, buffers: SocketBuffers) -> None:
        self._clock, self._buffers = clock, buffers
        self._watched: set[Watched] = set()

    def watch(self, sandbox: Watched) -> None:
        """From now on, for as long as it lives."""
        self._watched.add(sandbox)

    async def run(self) -> None:
        """Look, for ever."""
        while True:
            await self._clock.sleep(INTERVAL_S)
            try:
                await self.look()
            except Exception:  # a bug of ours must not leave the others without a limit
                log.exception("sockets cannot be measured", action="sandbox.sockets")

    async def look(self) -> None:
        """Once; who holds too much has been ended when it returns."""
        self._watched = {each for each in self._watched if each.alive}
        if self._buffers.total_bytes() <= LEAST_BYTES:
            return
        for each in [each for each in self._watched if each.memory_mb]:
            limit_bytes = each.memory_mb * MIB
            held = await asyncio.to_thread(self._buffers.queued_bytes, each.pid, limit_bytes)
            if held > limit_bytes and each.alive:
                log.warning("too much lies in sockets", action="sandbox.sockets", pid=each.pid, held_bytes=held)
                await each.stop()
