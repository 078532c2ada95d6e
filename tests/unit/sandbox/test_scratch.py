"""Disks are set up beside the agent's loop, one after the other; one that nobody waits for any more is let go."""

import asyncio
import os
import threading
from pathlib import Path

import pytest

from lambent.sandbox.scratch import ScratchDisks


class SlowDisks(ScratchDisks):
    """The kernel answers when the test says so; a disk is the end of a pipe."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "/sbin/mkfs.ext4")
        self.answer, self.at_once, self.most = threading.Event(), 0, 0
        self.ends: list[int] = []

    def _attach(self, size_mb: int) -> tuple[int, int]:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        self.answer.wait(10)
        self.at_once -= 1
        if size_mb == 0:
            raise OSError("no room")
        other, holder = os.pipe()
        self.ends.append(other)
        return size_mb, holder


@pytest.fixture
def disks(tmp_path: Path) -> SlowDisks:
    return SlowDisks(tmp_path / "scratch")


async def test_the_loop_goes_on_while_the_kernel_waits_and_one_disk_is_made_at_a_time(disks: SlowDisks) -> None:
    attaching = [asyncio.ensure_future(disks.attach(size)) for size in (1, 2, 3)]
    await asyncio.sleep(0)
    assert not any(each.done() for each in attaching)  # and here we are
    disks.answer.set()
    made = await asyncio.gather(*attaching)
    assert [size for size, _ in made] == [1, 2, 3]
    assert disks.most == 1
    for descriptor in [*disks.ends, *(holder for _, holder in made)]:
        os.close(descriptor)
    disks.close()


async def test_a_disk_that_comes_when_nobody_waits_any_more_is_let_go(disks: SlowDisks) -> None:
    attaching = asyncio.ensure_future(disks.attach(1))
    await asyncio.sleep(0)
    attaching.cancel()
    await asyncio.gather(attaching, return_exceptions=True)
    disks.answer.set()
    while not disks.ends:
        await asyncio.sleep(0)
    (end,) = disks.ends
    assert await asyncio.get_running_loop().run_in_executor(None, os.read, end, 1) == b""  # nobody holds it
    os.close(end)
    disks.close()


async def test_what_the_kernel_refuses_is_told(disks: SlowDisks) -> None:
    disks.answer.set()
    with pytest.raises(OSError, match="no room"):
        await disks.attach(0)
    disks.close()
