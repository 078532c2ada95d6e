"""Between invocations a function's processes stand still, and can be killed all the same.

Source: Lambda Developer Guide, "Lambda execution environment lifecycle": Lambda freezes the environment
when runtime and extensions have no more work; background work goes on with the next invocation.
"""

import asyncio
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lambent.sandbox.node import instance_name

if TYPE_CHECKING:
    from tests.security.conftest import AgentProcess, Edge, Function

BUSY = """
import subprocess, sys, threading
turns = 0
def burn():
    global turns
    while True:
        turns += 1
threading.Thread(target=burn, daemon=True).start()
child = subprocess.Popen([sys.executable, "-S", "-c", "while True: pass"])
def handler(event, context):
    return turns
"""
TICKS_AT_MOST = 1  # what was on the way when it was frozen


def cpu_ticks(pids: list[int]) -> int:
    fields = (Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids)
    return sum(int(each[11]) + int(each[12]) for each in fields)


def states(pids: list[int]) -> set[str]:
    """As ps shows them: T is stopped by a signal."""
    return {Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] for pid in pids}


def children(pid: int) -> list[int]:
    try:
        found = [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):  # it has ended since it was listed
        return []
    return [*found, *(below for each in found for below in children(each))]


async def processes(edge: "Edge", function: "Function") -> list[int]:
    """The runtime and what it has started; the sandbox's own first process is not the function's."""
    [init] = [each.pid for each in await edge.inventory() if each.environment_id == function.id]
    return children(init)


async def frozen(edge: "Edge", function: "Function") -> list[int]:
    """Freeze it; its processes, all of which have stopped."""
    pids = await processes(edge, function)
    function.environment.freeze()
    if not edge.agent.has_groups:
        await edge.wait_until(lambda: states(pids) == {"T"})
        return pids
    [events] = {_freezer_events(pid) for pid in pids}
    await edge.wait_until(lambda: "frozen 1" in events.read_text())
    return pids


def _freezer_events(pid: int) -> Path:
    """What tells whether the group of a process is frozen."""
    lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    [folder] = {line.rpartition(":")[2] for line in lines if line.startswith("0::")}
    return _freezer_mount() / folder.lstrip("/") / "cgroup.events"


def _freezer_mount() -> Path:
    lines = (line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines())
    return next(Path(words[4]) for words in lines if words[words.index("-") + 1] == "cgroup2")


async def test_a_busy_background_thread_and_child_use_no_cpu_while_frozen_and_go_on_after(edge: "Edge") -> None:
    function = await edge.function(BUSY)
    before = await function()
    pids = await frozen(edge, function)
    assert len(pids) == 2
    used = cpu_ticks(pids)
    await asyncio.sleep(0.3)  # what is looked for is that nothing happens
    assert cpu_ticks(pids) - used <= TICKS_AT_MOST
    async with asyncio.timeout(60):
        while await function() <= before:  # the handler may be done before its thread has had a turn
            pass
    await edge.wait_until(lambda: cpu_ticks(pids) > used + TICKS_AT_MOST)


async def test_a_timer_that_ran_out_while_frozen_fires_with_the_next_invocation(edge: "Edge") -> None:
    source = """
    import threading
    fired = threading.Event()
    threading.Timer(0.05, fired.set).start()
    def handler(event, context):
        return fired.wait(10) if event else None
    """
    function = await edge.function(source)
    await function(False)
    await frozen(edge, function)
    await asyncio.sleep(0.1)
    assert await function(True) is True


async def test_a_frozen_environment_is_stopped_like_any_other(edge: "Edge") -> None:
    function = await edge.function(BUSY)
    pids = await frozen(edge, function)
    await asyncio.wait_for(edge.stop(function), 60)
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


async def test_frozen_environments_die_with_a_killed_agent(agent: "AgentProcess", edge: "Edge", tmp_path: Path) -> None:
    own = agent.another(tmp_path)
    await edge.wait_until(own.ready)
    mine = type(edge)(own, 1)
    await mine.connect()
    function = await mine.function(BUSY)
    pids = await frozen(mine, function)
    own.process.kill()
    own.process.wait()
    await edge.wait_until(lambda: not [pid for pid in pids if os.path.exists(f"/proc/{pid}")])
    function.environment.close()
    (own.data / "run/agent.sock").unlink()
    after = agent.another(tmp_path)  # sweeps up the groups
    await edge.wait_until(after.ready)
    assert after.stop() == 0
    assert not list(_freezer_mount().glob(f"lambent/*{instance_name(tmp_path)}*"))


async def test_a_child_that_stops_and_goes_on_is_not_taken_for_one_that_has_ended(edge: "Edge") -> None:
    """Its parent is told that it was stopped, where freezing is done by signals, as any child's parent is."""
    source = """
    import subprocess
    child = subprocess.Popen(["sleep", "1000"])
    def handler(event, context):
        return child.poll()
    """
    function = await edge.function(source)
    for _ in range(3):
        await frozen(edge, function)
        assert await function() is None


def stopped(edge: "Edge", init: int) -> bool:
    """Whether nobody is left in the family of `init` who could bear a child."""
    pids = children(init)
    try:
        if edge.agent.has_groups:
            return all("frozen 1" in events.read_text() for events in {_freezer_events(pid) for pid in pids})
        return states(pids) <= {"T", "Z"} and children(init) == pids
    except (FileNotFoundError, ProcessLookupError):  # one has ended since it was listed
        return False


async def test_a_function_that_forks_all_the_time_is_frozen_whole(edge: "Edge") -> None:
    source = """
    import os, threading
    def breed():
        while True:
            child = os.fork()
            if child == 0:
                grandchild = os.fork()
                os._exit(0)
            os.waitpid(child, 0)
    threading.Thread(target=breed, daemon=True).start()
    def handler(event, context):
        return True
    """
    function = await edge.function(source)
    for _ in range(5):
        await function()
        function.environment.freeze()
        [init] = [each.pid for each in await edge.inventory() if each.environment_id == function.id]
        await edge.wait_until(partial(stopped, edge, init))
        family = children(init)
        await asyncio.sleep(0.1)  # what is looked for is that nothing happens
        assert children(init) == family
