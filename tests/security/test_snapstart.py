"""Environments that go on from one snapshot: what they have in common, and what they must not have.

Source: DESIGN.md, "The sandbox" (an environment may touch only its own things); Lambda Developer Guide, "Handling
uniqueness with Lambda SnapStart".
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lambent.environment.api import OutcomeKind

if TYPE_CHECKING:
    from tests.security.conftest import AgentProcess, Edge, Function


def snap_start(source: str) -> dict[str, Any]:
    """What a version with this code is started with."""
    key = hashlib.sha256(source.encode()).hexdigest()
    return {"initialization_type": "snap-start", "snapshot": True, "init_timeout_s": 20.0, "environment_key": key}


async def pair(edge: "Edge", source: str, **changes: Any) -> "tuple[Function, Function]":
    """Two environments of the same snapshot, both alive."""
    both = [await edge.function(source, **(snap_start(source) | changes)) for _ in range(2)]
    assert all(each.grant.times.restored for each in both)
    return both[0], both[1]


async def test_the_init_phase_has_run_once_and_its_state_is_there(edge: "Edge") -> None:
    one, other = await pair(edge, "import os\nME = os.urandom(8).hex()\ndef handler(event, context): return ME")
    assert await one(None) == await other(None)


async def test_siblings_have_their_own_files_processes_users_and_random_state(edge: "Edge") -> None:
    source = """
import os, random, uuid, subprocess
open("/tmp/common", "w").write("from init")
random.seed(1)
def handler(name, context):
    seen = sorted(os.listdir("/tmp"))
    open("/tmp/" + name, "w").write(name)
    child = subprocess.Popen(["/bin/sleep", "60"])
    pids = [int(each) for each in os.listdir("/proc") if each.isdigit()]
    return {"seen": seen, "pids": len(pids), "random": random.random(),
            "uuid": str(uuid.uuid4()), "host": os.uname().nodename}
"""
    one, other = await pair(edge, source)
    first, second = await one("one"), await other("other")
    assert first["seen"] == second["seen"] == ["common"]
    assert first["pids"] == second["pids"] == 2
    assert all(first[name] != second[name] for name in ("random", "uuid", "host"))


async def test_libraries_with_random_state_of_their_own_take_a_fresh_one(edge: "Edge") -> None:
    """OpenSSL keeps its generators in memory, and would go on alike in every sibling."""
    source = """
import ssl
ssl.RAND_bytes(16)
def handler(event, context): return [ssl.RAND_bytes(16).hex(), ssl.RAND_bytes(16).hex()]
"""
    one, other = await pair(edge, source)
    assert not set(await one(None)) & set(await other(None))


async def test_compiled_modules_of_the_function_go_on(edge: "Edge") -> None:
    import msgspec

    folder = Path(msgspec.__file__).parent
    files = {f"msgspec/{each.name}": each.read_bytes() for each in folder.iterdir() if each.is_file()}
    source = """
import ctypes, msgspec, sys
class Point(msgspec.Struct): x: int
DECODER = msgspec.json.Decoder(Point)
CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)(lambda number: number + 1)
def handler(event, context):
    return [DECODER.decode(b'{"x": 3}').x, CALLBACK(4), msgspec.__file__]
"""
    one, other = await pair(edge, source, files=files)
    assert await one(None) == await other(None) == [3, 5, "/var/task/msgspec/__init__.py"]


async def test_a_sibling_cannot_be_reached_in_any_way(edge: "Edge") -> None:
    """By signals, /proc, ptrace, shared memory, sockets, message queues or what was open at the snapshot."""
    source = """
import ctypes, errno, mmap, os, socket
libc = ctypes.CDLL(None, use_errno=True)
SHARED = mmap.mmap(-1, 4096)  # MAP_SHARED: as good as private once restored
READER, WRITER = os.pipe()
LEFT, RIGHT = socket.socketpair()
FILE = open("/tmp/open", "w+")
def attempt(call, *arguments):
    ctypes.set_errno(0)
    return errno.errorcode[ctypes.get_errno()] if call(*arguments) == -1 else "done"
def handler(event, context):
    if event["do"] == "offer":
        SHARED[:5] = b"mine!"
        os.write(WRITER, b"mine!")
        LEFT.send(b"mine!")
        FILE.write("mine!"); FILE.flush()
        segment = libc.shmget(77, 4096, 0o1666)
        queue = libc.msgget(77, 0o1666)
        global KEPT
        KEPT = [socket.socket(socket.AF_UNIX), socket.socket()]
        KEPT[0].bind("\\0sibling"); KEPT[0].listen()
        KEPT[1].bind(("127.0.0.1", 9999)); KEPT[1].listen()
        return os.getpid()
    for each in (READER, RIGHT.fileno()):
        os.set_blocking(each, False)
    found = {"memory": SHARED[:5].hex(), "file": open("/tmp/open").read()}
    for name, read in (("pipe", lambda: os.read(READER, 9)), ("pair", lambda: RIGHT.recv(9))):
        try: found[name] = read().decode()
        except BlockingIOError: found[name] = ""
    for name, address in (("abstract", "\\0sibling"), ("tcp", ("127.0.0.1", 9999))):
        client = socket.socket(socket.AF_UNIX if name == "abstract" else socket.AF_INET)
        found[name] = errno.errorcode[client.connect_ex(address)]
    found["shm"] = attempt(libc.shmget, 77, 4096, 0o666)
    found["queue"] = attempt(libc.msgget, 77, 0o666)
    pid = event["pid"]
    if pid != os.getpid():
        found["kill"] = attempt(libc.kill, pid, 0)
        found["ptrace"] = attempt(libc.ptrace, 16, pid, 0, 0)
        found["proc"] = os.path.exists(f"/proc/{pid}")
    return found
"""
    one, other = await pair(edge, source)
    pid = await one({"do": "offer"})
    found = await other({"do": "look", "pid": pid})
    assert found.pop("shm") in ("ENOENT", "ENOSYS")  # a node without root has no shmget
    assert found == {
        "memory": "00" * 5, "file": "", "pipe": "", "pair": "", "abstract": "ECONNREFUSED", "tcp": "ECONNREFUSED",
        "queue": "ENOENT", "kill": "ESRCH", "ptrace": "EPERM", "proc": False,
    }  # fmt: skip


async def test_the_walls_of_a_restored_environment_are_those_of_any_other(edge: "Edge") -> None:
    source = """
import os
def handler(event, context):
    status = dict(line.split(":\\t", 1) for line in open("/proc/self/status") if ":\\t" in line)
    names = ("CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb", "NoNewPrivs", "Seccomp", "Groups", "Threads")
    limits = [line.split()[-3:] for line in open("/proc/self/limits") if "open files" in line or "locked" in line]
    mounts = sorted(line.split()[4] for line in open("/proc/self/mountinfo"))
    fds = {name: os.readlink("/proc/self/fd/" + name).split(":")[0] for name in os.listdir("/proc/self/fd")[:-1]}
    return [{name: status[name].strip() for name in names}, limits, mounts, fds]
"""
    ordinary = await edge.run(source)
    restored = await edge.function(source, **snap_start(source))
    assert restored.grant.times.restored
    assert await restored(None) == ordinary


async def test_a_write_to_the_image_is_not_possible_from_inside(edge: "Edge") -> None:
    source = """
import os
def handler(event, context):
    held = [os.readlink("/proc/self/fd/" + name) for name in os.listdir("/proc/self/fd")[:-1]]
    mapped = [line for line in open("/proc/self/maps") if "(deleted)" in line]
    return [[each for each in held if "deleted" in each], {line.split()[1][3] for line in mapped} <= {"p"}]
"""
    restored = await edge.function(source, **snap_start(source))
    assert await restored(None) == [[], True]


@pytest.mark.parametrize(
    ("setup", "words"),
    [
        (
            "import threading, time\nthreading.Thread(target=time.sleep, args=(99,), daemon=True, name='busy').start()",
            "busy",
        ),
        ("import subprocess\nCHILD = subprocess.Popen(['/bin/sleep', '99'])", "child processes"),
        ("import os\nREADER, WRITER = os.pipe()\nos.write(WRITER, b'x')", "bytes that nobody has read"),
        ("import ctypes\nFD = ctypes.CDLL(None).timerfd_create(1, 0)", "timerfd"),
    ],
)
async def test_what_no_snapshot_can_carry_is_refused_in_words(edge: "Edge", setup: str, words: str) -> None:
    source = setup + "\ndef handler(event, context): return 1"
    taken = await edge.snapshot(source, **snap_start(source))
    assert (taken.status, taken.error_type) == ("error", "Runtime.SnapshotError")
    assert words in taken.message


async def test_a_hostile_init_phase_leaves_nothing_and_the_agent_goes_on(edge: "Edge") -> None:
    lies = """
import os, struct, threading, time
meta = b"5"
os.write(3, struct.pack(">IBH", 3 + len(meta), 16, len(meta)) + meta)  # "I am ready", and never pause
while True: time.sleep(1)
def handler(event, context): return 1
"""
    taken = await edge.snapshot(lies, **snap_start(lies))
    assert (taken.status, taken.error_type) == ("error", "Platform")
    source = "def handler(event, context): return 2"
    honest = await edge.function(source, **snap_start(source))
    assert await honest(None) == 2


async def test_a_failing_restore_is_an_error_and_not_another_functions_state(edge: "Edge") -> None:
    """The function's own hook fails in the restored process only."""
    source = """
import sys, types, os
hooks = types.ModuleType("snapshot_restore_py")
hooks.get_before_snapshot = lambda: []
hooks.get_after_restore = lambda: [(lambda: 1 / 0, (), {})]
sys.modules["snapshot_restore_py"] = hooks
def handler(event, context): return 1
"""
    function = await edge.begin(source, **snap_start(source))
    outcome = await function.environment.wait_ready(20)
    assert (outcome.kind, outcome.error_type) == (OutcomeKind.ERROR, "ZeroDivisionError")
    assert json.loads(outcome.payload)["errorMessage"] == "division by zero"
    assert os.path.exists(f"/proc/{edge.agent.process.pid}")


def targets(folder: str) -> Iterator[str]:
    """What the descriptors in a /proc/PID/fd lead to."""
    for each in os.listdir(folder):
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            yield os.readlink(f"{folder}/{each}")


async def test_the_agent_keeps_two_descriptors_for_a_snapshot_and_no_more(
    agent: "AgentProcess", edge: "Edge", tmp_path: Path
) -> None:
    own = agent.another(tmp_path, sandbox_pool="0")  # what is ready-made has descriptors, as many as were used lately
    await edge.wait_until(own.ready)
    busy = type(edge)(own, 1)
    await busy.connect()
    folder = f"/proc/{own.process.pid}/fd"
    source = "def handler(event, context): return 3"
    failing = "1 / 0"

    async def one() -> None:
        await busy.snapshot(source, **snap_start(source))
        await busy.snapshot(failing, **snap_start(failing))
        await busy.stop(await busy.function(source, **snap_start(source)))

    await one()
    before = len(os.listdir(folder))
    for _ in range(5):
        await one()
    await edge.wait_until(lambda: len(os.listdir(folder)) <= before)
    assert sum(target.startswith(f"{own.data}/snapshots/") for target in targets(folder)) == 2
    await busy.close()
    assert own.stop() == 0
