"""Who holds more than its memory in sockets is ended; the rest is not even looked at."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.clock import FakeClock
from lambent.sandbox.watched_sockets import INTERVAL_S, MIB, SocketBuffers, SocketWatcher, queued

# As Linux 6 prints them: one that listens, one that waits to be read, one that waits to be sent.
HEAD = b"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
LISTENS = (
    b"   0: 0100007F:1F90 00000000:0000 0A 00000000:00000080 00:00000000 00000000  1000        0 1 1 0 100 0 0 10 0\n"
)
UNREAD = (
    b"   1: 0100007F:1F90 0100007F:8AE2 01 00000000:00001000 00:00000000 00000000  1000        0 2 1 0 20 4 30 10 -1\n"
)
UNSENT = (
    b"  12: 0100007F:8AE2 0100007F:1F90 01 00000200:00000000 01:00000014 00000000  1000        0 3 2 0 20 4 30 10 -1\n"
)
VERSION_6 = b"   0: " + b"0" * 32 + b":0016 " + b"0" * 32 + b":0000 01 00000001:00000002 00:00000000 00000000 0\n"
DATAGRAMS = b" 4242: 0100007F:14E9 00000000:0000 07 00000000:00000300 00:00000000 00000000 1000 0 4 2 0 0\n"


class Sandbox:
    """One that remembers its end."""

    def __init__(self, pid: int, memory_mb: int) -> None:
        self.pid, self.memory_mb, self.alive = pid, memory_mb, True

    async def stop(self) -> None:
        self.alive = False


def host(root: Path, *, pages: int, held: dict[int, int], sockets: int = 100) -> SocketBuffers:
    """A machine whose environments have these bytes in one queue each."""
    for folder in ("net", *(f"{pid}/net" for pid in held)):
        (root / folder).mkdir(parents=True)
        (root / folder / "sockstat").write_text(
            f"sockets: used 9\nTCP: inuse {sockets} orphan 0 tw 0 alloc 9 mem {pages}\nUDP: inuse 0 mem 0\n"
        )
    for pid, size in held.items():
        (root / f"{pid}/net/tcp").write_bytes(HEAD + LISTENS + UNREAD.replace(b"00001000", b"%08X" % size))
    return SocketBuffers(root)


async def look(sandboxes: list[Sandbox], buffers: SocketBuffers) -> None:
    watcher = SocketWatcher(FakeClock(), buffers)
    for each in sandboxes:
        watcher.watch(each)
    await watcher.look()


def test_the_queues_of_every_table_are_added_up() -> None:
    assert queued(HEAD + LISTENS + UNREAD + UNSENT) == 0x1200
    assert queued(HEAD + VERSION_6) == 3
    assert queued(HEAD + DATAGRAMS) == 0x300


@settings(max_examples=50)
@given(st.binary(max_size=400))
def test_no_table_is_too_strange(table: bytes) -> None:
    assert queued(table) >= 0


async def test_only_who_holds_more_than_its_memory_is_ended(tmp_path: Path) -> None:
    many = 300 * MIB // 4096
    small, large, unassigned = Sandbox(1, 128), Sandbox(2, 512), Sandbox(3, 0)
    await look([small, large, unassigned], host(tmp_path, pages=many, held=dict.fromkeys((1, 2, 3), 200 * MIB)))
    assert [each.alive for each in (small, large, unassigned)] == [False, True, True]


@pytest.mark.parametrize(("pages", "sockets"), [(10, 100), (300 * MIB // 4096, 4)])
async def test_where_there_is_little_on_the_whole_or_there_are_few_sockets_nothing_is_read(
    tmp_path: Path, pages: int, sockets: int
) -> None:
    sandbox = Sandbox(1, 128)
    await look([sandbox], host(tmp_path, pages=pages, held={1: 200 * MIB}, sockets=sockets))
    assert sandbox.alive


def test_who_has_ended_holds_nothing(tmp_path: Path) -> None:
    assert SocketBuffers(tmp_path).queued_bytes(7, 0) == SocketBuffers(tmp_path).total_bytes() == 0


async def test_a_look_that_fails_is_not_the_last(tmp_path: Path) -> None:
    class Broken(SocketBuffers):
        looks = 0

        def total_bytes(self) -> int:
            self.looks += 1
            raise RuntimeError("broken")

    clock, buffers = FakeClock(), Broken(tmp_path)
    running = asyncio.create_task(SocketWatcher(clock, buffers).run())
    for _ in range(3):
        await clock.advance(INTERVAL_S)
    assert buffers.looks > 1
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
