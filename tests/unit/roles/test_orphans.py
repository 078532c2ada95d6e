"""What a killed part leaves is gone before anything goes on; real processes, in a supervisor of the test's own."""

import subprocess
import sys
from pathlib import Path

import pytest

LEAVES = "import os, subprocess, sys; [subprocess.Popen(['sleep', '1000'], start_new_session=True) for _ in range(3)]"
SUPERVISOR = """
import asyncio, os, signal, subprocess, sys, time
from lambent.clock import SystemClock
from lambent.roles.orphans import Orphans, children
from lambent.roles.part import AGENT, Part

LEAVES = {leaves!r}
clock = SystemClock()

async def until(condition):
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.005)

def sleepers():  # whose command line is there a moment after they have begun
    return [pid for pid in children() if "sleep" in open(f"/proc/{{pid}}/cmdline").read()]

async def main():
    parts = []
    orphans = Orphans(lambda: {{part.pid for part in parts if part.pid}}, clock)
    orphans.adopt()
    burying = asyncio.create_task(orphans.run())
    {body}
    burying.cancel()

asyncio.run(main())
"""
CLEARED = """
    await (await asyncio.create_subprocess_exec(sys.executable, "-c", LEAVES)).wait()
    await until(lambda: len(sleepers()) == 3)
    await orphans.clear()
    assert children() == set()
"""
SLOW = """
    from lambent.roles import orphans as room
    kill, began_s = room.kill, time.monotonic()
    room.kill = lambda pids: kill(pids) if time.monotonic() - began_s > 2.0 else None
    await (await asyncio.create_subprocess_exec(sys.executable, "-c", LEAVES)).wait()
    await orphans.clear()
    assert children() == set()
"""
BURIED = """
    await (await asyncio.create_subprocess_exec(sys.executable, "-c", LEAVES)).wait()
    await until(lambda: len(sleepers()) == 3)
    for pid in sleepers():
        os.kill(pid, signal.SIGKILL)
    await until(lambda: children() == set())
"""
SPARED = """
    part = Part("edge 0", lambda: time.sleep(999), (), orphans, clock)
    parts.append(part)
    running = asyncio.create_task(part.run())
    await until(lambda: part.pid)
    await orphans.clear()
    assert children() == {part.pid}
    await part.stop(5.0)
    await running
    assert children() == set()
"""
RESTARTED = """
    part = Part(AGENT, lambda: (exec(LEAVES), time.sleep(1000)), (), orphans, clock)
    parts.append(part)
    running = asyncio.create_task(part.run())
    await until(lambda: part.pid)
    first = part.pid
    await until(lambda: len(open(f"/proc/{first}/task/{first}/children").read().split()) == 3)
    left = set(map(int, open(f"/proc/{first}/task/{first}/children").read().split()))
    os.kill(first, signal.SIGKILL)
    await until(lambda: part.pid not in (None, first))
    assert not [pid for pid in left if os.path.exists(f"/proc/{pid}")]
    await part.stop(5.0)
    await running
    await orphans.clear()
    assert children() == set()
"""


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(CLEARED, id="clear returns when nothing lives"),
        pytest.param(SLOW, id="clear has patience with a kernel that has much to do"),
        pytest.param(BURIED, id="who dies later is buried"),
        pytest.param(SPARED, id="parts are spared"),
        pytest.param(RESTARTED, id="a killed agent is started again after its processes have gone"),
    ],
)
def test_orphans(body: str, tmp_path: Path) -> None:
    program = tmp_path / "supervisor.py"
    program.write_text(SUPERVISOR.format(leaves=LEAVES, body=body.strip()))
    done = subprocess.run([sys.executable, program], check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
