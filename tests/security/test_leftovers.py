"""After any stop or crash: no process, cgroup, mount, socket or loop device of ours."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lambent.sandbox import cgroups
from lambent.sandbox.node import instance_name

if TYPE_CHECKING:
    from tests.security.conftest import AgentProcess, Edge

HANDLER = "def handler(event, context): return event"


@pytest.fixture
async def own(agent: "AgentProcess", tmp_path: Path) -> AsyncIterator["AgentProcess"]:
    """An agent of the test's own, to be treated badly."""
    mine = agent.another(tmp_path)
    while not mine.ready():
        await asyncio.sleep(0.01)
    yield mine
    mine.stop()


async def connected(own: "AgentProcess", edge: "Edge", number: int = 1) -> "Edge":
    other = type(edge)(own, number)
    await other.connect()
    return other


def descendants(pid: int) -> set[int]:
    """The processes below `pid`, itself not."""
    parents = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            parents[int(name)] = int(Path("/proc", name, "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found: set[int] = set()
    while more := {child for child, parent in parents.items() if parent in {pid, *found}} - found:
        found |= more
    return found


def groups(data: Path) -> list[Path]:
    mounts = cgroups.find_mounts(cgroups.MOUNTS.read_text())
    assert mounts is not None
    roots = {mount / "lambent" / instance_name(data) for mount in mounts[1].values()}
    return [root for root in roots if root.exists()]


def disks(data: Path) -> list[str]:
    """The loop devices whose images came from this data folder."""
    backing = Path("/sys/block").glob("loop*/loop/backing_file")
    return [text for each in backing if (text := _read(each)).startswith(str(data))]


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # detached in this moment
        return ""


def alive(pids: set[int]) -> set[int]:
    return {pid for pid in pids if Path(f"/proc/{pid}").exists()}


async def test_a_stopped_agent_leaves_nothing(own: "AgentProcess", edge: "Edge") -> None:
    busy = await connected(own, edge)
    function = await busy.function(HANDLER)
    assert await function(1) == 1
    mine = descendants(own.process.pid)
    assert len(mine) >= 3, "zygote, init, runtime"
    assert bool(groups(own.data)) is own.has_groups
    assert disks(own.data) or not own.host_root
    assert own.stop() == 0
    assert alive(mine) == set()
    assert groups(own.data) == []
    await edge.wait_until(lambda: disks(own.data) == [])
    assert [each.name for each in (own.data / "run").iterdir()] == []
    function.environment.close()


async def test_a_killed_agent_takes_everything_along_and_the_next_one_sweeps_up(
    own: "AgentProcess", edge: "Edge"
) -> None:
    busy = await connected(own, edge)
    function = await busy.function(HANDLER + "\nimport subprocess\nsubprocess.Popen(['/bin/sleep', '1000'])")
    mine = descendants(own.process.pid)
    own.process.kill()
    own.process.wait()
    await edge.wait_until(lambda: alive(mine) == set())
    await edge.wait_until(lambda: disks(own.data) == [])
    left = {folder.name for root in groups(own.data) for folder in root.iterdir() if folder.is_dir()}
    assert not left or own.has_groups  # any agent that starts on this machine sweeps, also that of another test
    (own.data / "run/agent.sock").unlink()
    after = own.another(own.data)
    await edge.wait_until(after.ready)
    assert await (await (await connected(after, edge)).function(HANDLER))(2) == 2
    assert after.stop() == 0
    assert groups(own.data) == []
    function.environment.close()


async def test_the_next_agent_of_the_machine_sweeps_what_a_killed_one_left_on_other_data(
    own: "AgentProcess", edge: "Edge", tmp_path: Path
) -> None:
    if not own.has_groups:
        pytest.skip("without control groups there is nothing to leave")
    function = await (await connected(own, edge)).function(HANDLER)
    mine = descendants(own.process.pid)
    own.process.kill()
    own.process.wait()
    await edge.wait_until(lambda: alive(mine) == set())
    elsewhere = own.another(tmp_path / "elsewhere")
    await edge.wait_until(elsewhere.ready)
    assert groups(own.data) == []
    assert groups(elsewhere.data)
    assert elsewhere.stop() == 0
    function.environment.close()


async def test_an_edge_that_goes_takes_its_environments_along(own: "AgentProcess", edge: "Edge") -> None:
    going, staying = await connected(own, edge, 1), await connected(own, edge, 2)
    gone, kept = await going.function(HANDLER), await staying.function(HANDLER)
    pids = {status.environment_id: status.pid for status in await staying.inventory()}
    assert set(pids) == {gone.id, kept.id}
    going._handoff.close()
    await edge.wait_until(lambda: not alive({pids[gone.id]}))
    assert await kept(3) == 3
    async with asyncio.timeout(60):
        while [status.environment_id for status in await staying.inventory()] != [kept.id]:
            await asyncio.sleep(0.01)
    await staying.close()


async def test_a_killed_zygote_is_replaced_and_its_environments_are_reported(own: "AgentProcess", edge: "Edge") -> None:
    busy = await connected(own, edge)
    function = await busy.function(HANDLER)
    [status] = await busy.inventory()
    zygote = int(Path(f"/proc/{status.pid}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(zygote, signal.SIGKILL)
    told = await busy.wait_exit(function)
    assert (told.exit_status, told.signal, told.reason) == (-1, 0, "the sandbox was lost")
    for _ in range(3):  # what waited ready-made has died with it, too
        assert await (await busy.function(HANDLER))(5) == 5
    await busy.close()


async def test_a_killed_sandbox_is_swept_up_at_once(edge: "Edge") -> None:
    function = await edge.function(HANDLER)
    [pid] = [each.pid for each in await edge.inventory() if each.environment_id == function.id]
    os.kill(pid, signal.SIGKILL)
    told = await edge.wait_exit(function)
    assert told.reason == "the sandbox was lost"
    assert function.id not in {each.environment_id for each in await edge.inventory()}


async def test_no_descriptor_of_the_agent_leaks(agent: "AgentProcess", edge: "Edge", tmp_path: Path) -> None:
    """A leak would show in each round. What else comes does not: ready-made sandboxes are off, and the
    zygotes of all interpreters, which start one after the other in the background, are there some time."""
    unpooled = agent.another(tmp_path / "unpooled", sandbox_pool="0")
    try:
        await edge.wait_until(unpooled.ready)
        busy = await connected(unpooled, edge)
        folder, calm = f"/proc/{unpooled.process.pid}/fd", 0
        async with asyncio.timeout(60):
            while calm < 5:
                before = len(os.listdir(folder))
                await busy.stop(await busy.function(HANDLER))
                calm = calm + 1 if len(os.listdir(folder)) <= before else 0
        await busy.close()
    finally:
        assert unpooled.stop() == 0
