"""Two servers on one machine: what the kernel counts for each uid, one cannot use up for the other's environments.

A hundred processes of an environment's user stand for another server's fork bomb: the kernel cannot tell them apart.
"""

import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lambent.sandbox.uid_claims import HOST_UIDS

if TYPE_CHECKING:
    from tests.security.conftest import AgentProcess, Edge

MOST = 64
BOMB = """
import os, resource
def handler(event, context):
    hard = resource.getrlimit(resource.RLIMIT_NPROC)[1]
    resource.setrlimit(resource.RLIMIT_NPROC, (hard, hard))
    made = 0
    try:
        while made < 200:
            if os.fork() == 0: os.read(os.pipe()[0], 1)
            made += 1
    except BlockingIOError: pass
    return made
"""
STARTS_A_PROGRAM = """
import os, subprocess
def handler(event, context): return os.getuid() if event == "who" else subprocess.run(["/bin/true"]).returncode
"""
CROWD = "exec 3<&0; i=0; while [ $i -lt 100 ]; do cat <&3 & i=$((i+1)); done; echo there; wait"


@pytest.fixture
async def other(agent: "AgentProcess", edge: "Edge", tmp_path: Path) -> AsyncIterator["Edge"]:
    """Another server, whose environments may have few processes."""
    own = agent.another(tmp_path, quotas__processes=str(MOST))
    await edge.wait_until(own.ready)
    connected = type(edge)(own, 1)
    await connected.connect()
    yield connected
    await connected.close()
    assert own.stop() == 0


@contextmanager
def crowd(uid: int) -> Iterator[None]:
    """A hundred processes of `uid` on this host."""
    with subprocess.Popen(
        ["/bin/sh", "-c", CROWD], user=uid, extra_groups=[], cwd="/", stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == b"there\n"
        yield
        first.communicate()  # the end of their input is their end


async def test_processes_of_another_server_do_not_count_as_an_environments_own(other: "Edge") -> None:
    if os.geteuid() != 0:
        pytest.skip("only root makes processes of another user")
    function = await other.function(STARTS_A_PROGRAM)
    inside = await function("who")
    with crowd(inside if other.agent.host_root else other.agent.data.stat().st_uid):
        assert await function() == 0


async def test_an_environment_cannot_raise_its_own_number_of_processes(other: "Edge") -> None:
    assert 0 < await other.run(BOMB) < MOST


async def test_servers_give_no_uid_twice(agent: "AgentProcess", edge: "Edge", other: "Edge") -> None:
    if not agent.host_root:
        pytest.skip("a user's servers have the same ids, each in a namespace of its own, where they are counted")
    first, second = await edge.run(STARTS_A_PROGRAM, "who"), await other.run(STARTS_A_PROGRAM, "who")
    assert abs(first - second) > HOST_UIDS // 2, "ranges of their own"
