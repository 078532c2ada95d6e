"""Other processes: of the host, of other environments, and the sandbox's own first one."""

import os
import signal
from typing import TYPE_CHECKING

import pytest

from lambent.environment.api import OutcomeKind

if TYPE_CHECKING:
    from tests.security.conftest import Edge, Function

ERRNO = """
import ctypes, errno, os
libc = ctypes.CDLL(None, use_errno=True)
def errno_of(call, *arguments):
    ctypes.set_errno(0)
    return errno.errorcode.get(ctypes.get_errno(), "") if call(*arguments) == -1 else "done"
"""


async def test_only_the_environments_own_processes_are_seen(edge: "Edge", neighbour: "Function") -> None:
    source = """
import os
def handler(event, context):
    return os.getpid(), sorted(int(name) for name in os.listdir("/proc") if name.isdigit())
"""
    own, seen = await edge.run(source)
    assert seen == [own]


async def test_no_process_of_the_host_can_be_signalled(edge: "Edge", neighbour: "Function") -> None:
    answers = "sorted({errno_of(libc.kill, each, 0) for each in pids if each != os.getpid()})"
    source = ERRNO + f"def handler(pids, context): return {answers}"
    assert await edge.run(source, [os.getpid(), edge.agent.process.pid, 30_000]) == ["ESRCH"]


async def test_the_first_process_of_the_sandbox_is_out_of_reach(edge: "Edge", neighbour: "Function") -> None:
    source = (
        ERRNO
        + """
def opened(path):
    try: open(path).close()
    except OSError as error: return errno.errorcode[error.errno]
    return "done"
def handler(event, context):
    PTRACE_ATTACH = 16
    return [errno_of(libc.kill, 1, 9), errno_of(libc.ptrace, PTRACE_ATTACH, 1, 0, 0),
            opened("/proc/1/mem"), opened("/proc/1/environ"), opened("/proc/1/maps")]
"""
    )
    # Where environments share one uid, the kernel takes the signal, and then spares the first process of a namespace.
    killed = "done" if edge.agent.shared_uid else "EPERM"
    function = await edge.function(source)
    for _ in range(2):
        assert await function() == [killed, "EPERM", "ENOENT", "ENOENT", "ENOENT"]


async def test_a_kill_of_every_pid_reaches_only_the_sender(edge: "Edge", neighbour: "Function") -> None:
    source = """
import os, subprocess
def handler(event, context):
    child = subprocess.Popen(["/bin/sleep", "60"])
    os.kill(-1, 9)  # everything but ourselves and init
    return child.wait()
"""
    assert await edge.run(source) == -signal.SIGKILL


async def test_processes_of_one_uid_in_two_environments_do_not_exist(edge: "Edge") -> None:
    source = "import os\ndef handler(event, context): return os.getuid(), os.getgid(), os.getgroups()"
    if edge.agent.shared_uid:
        pytest.skip("a user without /etc/subuid has one uid for all, which `lambent doctor` says")
    first, second = await edge.run(source), await edge.run(source)
    assert first[0] != second[0]
    assert min(first[0], second[0]) > 1_000_000
    assert [first[0], []] == first[1:]


async def test_no_descriptor_of_the_platform_is_inherited(edge: "Edge") -> None:
    source = """
import os, subprocess
def handler(event, context):
    mine = {name: os.readlink("/proc/self/fd/" + name).split(":")[0] for name in "0123"}
    child = subprocess.run(["/bin/ls", "/proc/self/fd"], capture_output=True, text=True, close_fds=False)
    return mine, child.stdout.split(), len(os.listdir("/proc/self/fd"))
"""
    mine, child, count = await edge.run(source)
    assert mine == {"0": "/dev/null", "1": "pipe", "2": "pipe", "3": "socket"}
    assert child == ["0", "1", "2", "3"], "3 is the folder that ls reads"
    assert count == 5, "and one for the listing"


async def test_the_hosts_variables_do_not_come_in(edge: "Edge") -> None:
    source = """
import os, subprocess
def handler(event, context):
    return sorted(os.environ), subprocess.run(["/usr/bin/env"], capture_output=True, text=True).stdout
"""
    names, child = await edge.run(source, variables={"ONLY": "this"})
    ours = {"AWS_LAMBDA_INITIALIZATION_TYPE", "_X_AMZN_TRACE_ID"}
    assert set(names) - ours - {"ONLY", "PWD", "LC_CTYPE"} == set()
    assert "ONLY=this" in child


async def test_a_signal_and_an_exit_and_memory_are_told_apart(edge: "Edge", neighbour: "Function") -> None:
    ends = {
        "import os\ndef handler(e, c): os.kill(os.getpid(), 9)": (-1, signal.SIGKILL, False),
        "import os\ndef handler(e, c): os.kill(os.getpid(), 11)": (-1, signal.SIGSEGV, False),
        "import os\ndef handler(e, c): os._exit(3)": (3, 0, False),
        "import os\ndef handler(e, c): os._exit(0)": (0, 0, False),
        "def handler(e, c): return len(bytearray(b'x') * (400 << 20))": (-1, signal.SIGKILL, True),
    }
    for source, (status, number, memory) in ends.items():
        function = await edge.function(source)
        outcome = await function.outcome()
        assert outcome.kind is OutcomeKind.EXIT
        told = await edge.wait_exit(function)
        assert (told.exit_status, told.signal, told.out_of_memory) == (status, number, memory), source


async def test_everything_that_a_function_started_dies_with_it(edge: "Edge", neighbour: "Function") -> None:
    source = """
import os, subprocess
def handler(event, context):
    subprocess.Popen(["/bin/sh", "-c", "setsid sleep 61234 & setsid sleep 61234 &"]).wait()
    return True
"""
    function = await edge.function(source)
    await function()
    await edge.wait_until(lambda: _running("61234") == 2)
    await edge.stop(function)
    assert _running("61234") == 0


def _running(word: str) -> int:
    found = 0
    for name in os.listdir("/proc"):
        try:
            with open(f"/proc/{name}/cmdline") as line:
                found += line.read().split("\0")[:2] == ["sleep", word]
        except OSError:
            continue
    return found
