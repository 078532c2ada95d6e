"""Functions that take all they can get: the limits hold, and the neighbour answers."""

from typing import TYPE_CHECKING

import pytest

from lambent.environment.api import OutcomeKind

if TYPE_CHECKING:
    from tests.security.conftest import Edge, Function


async def test_a_memory_bomb_is_killed_at_its_limit(edge: "Edge", neighbour: "Function") -> None:
    source = """
def handler(event, context):
    kept = []
    while True: kept.append(bytearray(b"x") * (1 << 20))
"""
    function = await edge.function(source)
    assert (await function.outcome()).kind is OutcomeKind.EXIT
    assert (await edge.wait_exit(function)).out_of_memory
    most = 128 * 2**20 if edge.agent.has_groups else 2**30  # looked at, not held
    assert 120 * 2**20 < function.environment.peak_memory_bytes() <= most


async def test_memory_given_to_children_counts(edge: "Edge", neighbour: "Function") -> None:
    source = """
import subprocess, sys
def handler(event, context):
    bomb = "kept = []\\nwhile True: kept.append(bytearray(b'x') * (1 << 20))"
    return subprocess.run([sys.executable, "-c", bomb]).returncode
"""
    assert await edge.run(source) == -9, "the child is the larger one; the runtime lives on"


async def test_a_fork_bomb_runs_into_its_limit(edge: "Edge", neighbour: "Function") -> None:
    source = """
import os, time
def handler(event, context):
    made = 0
    try:
        while made < 5000:
            if os.fork() == 0: time.sleep(60); os._exit(0)
            made += 1
    except OSError as error:
        return made, type(error).__name__
    return made, "no limit"
"""
    made, error = await edge.run(source, memory_mb=3008)
    assert error == "BlockingIOError"
    assert made <= 1024


async def test_a_bomb_of_bombs_ends_with_its_environment(edge: "Edge", neighbour: "Function") -> None:
    source = """
import os
def handler(event, context):
    while True:
        try: os.fork()
        except OSError: pass
"""
    function = await edge.function(source)
    assert (await function.outcome(timeout_s=1)).kind in (OutcomeKind.TIMEOUT, OutcomeKind.EXIT)
    await edge.stop(function)
    assert function.id not in {status.environment_id for status in await edge.inventory()}


async def test_a_descriptor_bomb_runs_into_its_limit(edge: "Edge", neighbour: "Function") -> None:
    source = """
import errno, os
def handler(event, context):
    held = []
    try:
        while True: held.append(os.open("/dev/null", os.O_RDONLY))
    except OSError as error:
        return len(held), errno.errorcode[error.errno]
    finally:
        for each in held: os.close(each)
"""
    held, error = await edge.run(source)
    assert error == "EMFILE"
    assert 1000 < held < 1024


async def test_a_bomb_of_inotify_instances_leaves_some_to_others(edge: "Edge", neighbour: "Function") -> None:
    source = """
import ctypes, errno, os
libc = ctypes.CDLL(None, use_errno=True)
def handler(most, context):
    held = []
    while len(held) < most and (each := libc.inotify_init1(0)) >= 0: held.append(each)
    return len(held), errno.errorcode[ctypes.get_errno()] if len(held) < most else ""
"""
    bomb, other = await edge.function(source), await edge.function(source)
    taken, error = await bomb(1000)
    assert taken >= 128 if edge.agent.host_root else taken == 16
    assert error == "EMFILE"
    assert await other(8) == [8, ""], "for as long as the bomb holds what it has"


async def test_a_limit_cannot_be_raised(edge: "Edge") -> None:
    source = """
import resource
def handler(event, context):
    told = []
    for kind in (resource.RLIMIT_NOFILE, resource.RLIMIT_CORE, resource.RLIMIT_NPROC):
        try: resource.setrlimit(kind, (1 << 20, 1 << 20)); told.append("raised")
        except (ValueError, PermissionError): told.append("refused")
    return told
"""
    assert await edge.run(source) == ["refused"] * 3


async def test_an_output_flood_harms_only_its_sender(edge: "Edge", neighbour: "Function") -> None:
    source = """
import os
def handler(event, context):
    for _ in range(50): os.write(1, b"x" * 65536 + b"\\n")
    return "said"
"""
    assert await edge.run(source) == "said"


async def test_a_busy_loop_gets_its_share_and_no_more(edge: "Edge", neighbour: "Function") -> None:
    if not edge.agent.has_groups:
        pytest.skip("without control groups CPU time is not limited, which `lambent doctor` says")
    source = """
import time
def handler(seconds, context):
    end, began = time.monotonic() + seconds, time.process_time()
    while time.monotonic() < end: pass
    return time.process_time() - began
"""
    function = await edge.function(source, memory_mb=256)
    used_s = await function(2.0)
    share = 256 / 1769
    assert used_s < 2.0 * share + 0.3, "a quota, and what may be saved up in one period"


async def test_a_flood_of_garbage_on_the_channel_ends_only_its_own_environment(
    edge: "Edge", neighbour: "Function"
) -> None:
    function = await edge.function("import os\ndef handler(e, c):\n    while True: os.write(3, b'\\xff' * 65536)")
    assert (await function.outcome()).kind in (OutcomeKind.GARBAGE, OutcomeKind.EXIT)


async def test_descriptors_sent_up_the_channel_are_not_taken(edge: "Edge", neighbour: "Function") -> None:
    source = """
import os, socket
def handler(event, context):
    channel = socket.socket(fileno=os.dup(3))
    for _ in range(20): socket.send_fds(channel, [b""], [0])
    return "sent"
"""
    assert await edge.run(source) == "sent"


@pytest.mark.parametrize("phase", ["import", "never"])
async def test_a_function_that_dies_while_it_loads_is_told(edge: "Edge", neighbour: "Function", phase: str) -> None:
    source = "import os\nos._exit(7)" if phase == "import" else "import time\ntime.sleep(3600)"
    function = await edge.begin(source)
    outcome = await function.environment.wait_ready(0.5 if phase == "never" else 60)
    if phase == "import":
        assert outcome.kind is OutcomeKind.EXIT
        assert (await edge.wait_exit(function)).exit_status == 7
    else:
        assert outcome.kind is OutcomeKind.TIMEOUT
        await edge.stop(function)
        told = await edge.wait_exit(function)
        assert (told.exit_status, told.signal, told.reason) == (-1, 0, "test")
