"""A forked part has nothing of its parent's but what it is meant to have; real processes, in a parent of a test's own.

Facts: fork(2) (descriptors, handlers and the mask of signals are inherited), signal(7).
"""

import subprocess
import sys
from pathlib import Path

import pytest

PARENT = """
import asyncio, os, signal, sys, threading, time
from lambent.roles.forked import fork

told = []

def write(text):
    os.write(2, text.encode())

async def main():
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.append, number)
    {body}
    assert not told

asyncio.run(main())
"""
DESCRIPTORS = """
    ours, kept = os.pipe()
    def body():
        held = {each for each in map(int, os.listdir("/proc/self/fd")) if os.path.exists(f"/proc/self/fd/{each}")}
        assert held == {0, 1, 2, kept}, held
        os.write(kept, b"here")
    child = await fork(body, [kept])
    assert await child.wait() == 0
    assert os.read(ours, 10) == b"here"
"""
SIGNALS = """
    for _ in range(20):
        child = await fork(lambda: time.sleep(1000))
        child.send(signal.SIGTERM)
        assert await child.wait() == -signal.SIGTERM
"""
LOOP = """
    async def part():
        assert asyncio.current_task().get_name() == "of the child" and not told
        process = await asyncio.create_subprocess_exec("true")
        return await process.wait()
    def body():
        async def named():
            return await asyncio.create_task(part(), name="of the child")
        assert asyncio.run(named()) == 0
    child = await fork(body)
    assert await child.wait() == 0
"""
FAILED = """
    def body():
        raise RuntimeError("said by the child")
    child = await fork(body)
    assert await child.wait() == 1
"""
LEFT = """
    import atexit
    atexit.register(write, "the end of the parent")
    child = await fork(lambda: sys.exit(0))
    assert await child.wait() == 1
"""
ENDED = """
    child = await fork(lambda: None)
    assert await child.wait() == 0 and await child.wait() == 0
    child.send(signal.SIGTERM)
    assert threading.active_count() == 1
"""


def run(body: str, folder: Path) -> str:
    """What a parent says on standard error that does `body` and ends well."""
    program = folder / "parent.py"
    program.write_text(PARENT.replace("{body}", body.strip()))
    done = subprocess.run([sys.executable, program], check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stderr


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(DESCRIPTORS, id="it holds the standard descriptors and those kept"),
        pytest.param(SIGNALS, id="a signal that comes at once is its own"),
        pytest.param(LOOP, id="it has an event loop of its own"),
        pytest.param(ENDED, id="who has ended is sent nothing, and nobody needs a thread to wait"),
    ],
)
def test_a_fork_is_a_process_of_its_own(body: str, tmp_path: Path) -> None:
    assert not run(body, tmp_path)


def test_a_part_that_fails_says_why_and_fails(tmp_path: Path) -> None:
    assert "RuntimeError: said by the child" in run(FAILED, tmp_path)


def test_what_the_parent_does_at_its_end_is_done_once(tmp_path: Path) -> None:
    assert run(LEFT, tmp_path).count("the end of the parent") == 1
