"""`--isolation process`: no walls, by name; what is left still holds, and nothing is left behind."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lambent.environment.api import OutcomeKind

if TYPE_CHECKING:
    from tests.security.conftest import AgentProcess, Edge


@pytest.fixture
async def open_edge(agent: "AgentProcess", edge: "Edge", tmp_path: Path) -> AsyncIterator["Edge"]:
    """An edge of an agent that makes no walls."""
    bare = type(agent)(tmp_path, "process")
    try:
        while not bare.ready():
            await asyncio.sleep(0.01)
        connected = type(edge)(bare, 1)
        await connected.connect()
        yield connected
        await connected.close()
    finally:
        status = bare.stop()
    assert status == 0


async def test_a_function_runs_from_its_own_folder_and_sees_the_host(open_edge: "Edge") -> None:
    source = """
import boto3, os, resource
def handler(event, context):
    return os.getcwd(), os.path.exists("/etc/shadow"), resource.getrlimit(resource.RLIMIT_NOFILE)[1]
"""
    cwd, sees_host, descriptors = await open_edge.run(source)
    assert Path(cwd).parent == open_edge.agent.data / "code"
    assert sees_host
    assert descriptors == 1024


async def test_ends_are_told_and_children_do_not_outlive_them(open_edge: "Edge") -> None:
    function = await open_edge.function("""
import os, subprocess
children = [subprocess.Popen(["/bin/sleep", "1000"], start_new_session=True).pid for _ in range(2)]
def handler(event, context):
    if event: return children
    os._exit(9)
""")
    children = await function(True)
    assert (await function.outcome()).kind is OutcomeKind.EXIT
    assert (await open_edge.wait_exit(function)).exit_status == 9
    await open_edge.wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children))


async def test_a_stop_takes_the_children_along(open_edge: "Edge") -> None:
    function = await open_edge.function("""
import subprocess
child = subprocess.Popen(["/bin/sleep", "1000"], start_new_session=True).pid
def handler(event, context): return child
""")
    child = await function()
    await open_edge.stop(function)
    await open_edge.wait_until(lambda: not Path(f"/proc/{child}").exists())
