"""The first process of a sandbox: builds what every function's sandbox has alike, then watches.

It is PID 1 of its namespace, so that the runtime is not (the first process ignores the signals it
has no handler for, and a function that kills itself must die), and so that all processes of the
environment die with it: when the agent hangs up, when the zygote dies, when the runtime ends.
It reaps orphans and tells the agent, over `control`, that the sandbox stands and how the runtime
process ended. It keeps uid 0, which the function's processes cannot signal or look into, without
any capability, and never touches anything that the function made.

Where no control group freezes (`by_signals`) it does: "1" on a pipe stops every other process of its PID
namespace by SIGSTOP, "0" lets them go on. For that it keeps CAP_KILL, which reaches nobody else. One kill(2)
of all is one look at the kernel's list, with no fork in between; nobody is left who could send SIGCONT.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
from typing import Any, NoReturn

from . import tenant, walls

HIDDEN = "/.lambent"  # where the privileged steps find things; gone from the mounts before a function runs
BACKLOG = 128
PID_SPREAD = 30_000
# What the kernel shows or lets one do through /proc beyond the sandbox's own processes.
# Source: the OCI runtime specification's default maskedPaths and readonlyPaths, and what Linux 6 added.
MASKED_FILES = ("cmdline", "config.gz", "interrupts", "iomem", "ioports", "kallsyms", "kcore", "key-users", "keys") + (
    *("kmsg", "kpagecgroup", "kpagecount", "kpageflags", "latency_stats", "modules", "pagetypeinfo", "sched_debug"),
    *("slabinfo", "softirqs", "sysrq-trigger", "timer_list", "vmallocinfo"),
)
MASKED_FOLDERS = ("acpi", "scsi", "asound", "driver", "dynamic_debug")
READ_ONLY_FOLDERS = ("bus", "fs", "irq", "sys")


def run(request: dict[str, Any], descriptors: list[int], filters: list[bytes]) -> NoReturn:
    """Be the first process; never returns."""
    control, assignment = socket.socket(fileno=descriptors[0]), socket.socket(fileno=descriptors[1])
    status = 1
    try:
        listener = _build(request) if request["walls"] else _bare()
        status = _fork_and_watch(request, filters, control, assignment, descriptors[2:], listener)
    except BaseException as error:  # there is no caller above us, only the zygote's frames
        _tell(control, {"error": f"{type(error).__name__}: {error}"})
    finally:
        os._exit(status)


def _bare() -> list[int]:
    """Without walls: make sure that nothing outlives us, and outlive the zygote for long enough to do so."""
    walls.adopt_orphans()
    os.setsid()
    return []


def _build(request: dict[str, Any]) -> list[int]:
    """The namespaces and what stands in them; returns the listener for the platform's endpoint."""
    walls.die_with_parent(0)
    walls.unshare(walls.CLONE_NEWNS | walls.CLONE_NEWNET | walls.CLONE_NEWIPC | walls.CLONE_NEWUTS)
    socket.sethostname(request["hostname"])
    walls.bring_up_loopback()
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", request["port"]))
    listener.listen(BACKLOG)
    _mount_proc()
    _name_the_user(request["uid"], request["hostname"])
    tenant.mount_tmp(request["tmp_mb"], request["loop"])
    return [listener.detach()]


def _mount_proc() -> None:
    flags = walls.MS_NOSUID | walls.MS_NODEV | walls.MS_NOEXEC
    walls.mount("proc", "/proc", "proc", flags, "hidepid=2")
    _choose_next_pid()
    for name in MASKED_FILES:
        if os.path.exists("/proc/" + name):
            walls.mount("/dev/null", "/proc/" + name, flags=walls.MS_BIND)
    for name in MASKED_FOLDERS:
        if os.path.isdir("/proc/" + name):
            walls.mount(HIDDEN + "/empty", "/proc/" + name, flags=walls.MS_BIND)
    for name in READ_ONLY_FOLDERS:
        if os.path.isdir("/proc/" + name):
            walls.bind_read_only("/proc/" + name, "/proc/" + name, walls.MS_NOEXEC)


def _name_the_user(uid: int, sandbox: str) -> None:
    """The environment's uid is called sbx_user1051, as on AWS."""
    for name, line in (
        ("passwd", f"sbx_user1051:x:{uid}:{uid}::/home/sbx_user1051:/sbin/nologin\n"),
        ("group", f"sbx_user1051:x:{uid}:\n"),
    ):
        with open("/etc/" + name) as common:
            text = common.read()
        path = f"{HIDDEN}/scratch/{name}-{sandbox}"  # the folder is everybody's until it is detached
        with open(path, "w") as file:
            file.write(text + line)
        walls.bind_read_only(path, "/etc/" + name)
        os.unlink(path)


def _fork_and_watch(
    request: dict[str, Any],
    filters: list[bytes],
    control: socket.socket,
    assignment: socket.socket,
    rest: list[int],
    listener: list[int],
) -> int:
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    told, heir = os.pipe()  # who the runtime is, when it is not our child from the beginning
    os.set_blocking(told, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake)
    freezer = [rest.pop(0)] if request["by_signals"] else []
    runtime = os.fork()
    if runtime == 0:
        for descriptor in freezer:
            os.close(descriptor)
        tenant.run(request, filters, assignment, rest, heir)
    walls.drop_capabilities(but=walls.CAP_KILL if freezer else -1)
    walls.set_dumpable(False)
    socket.send_fds(control, [json.dumps({"ready": True}).encode()], listener)
    assignment.close()
    for descriptor in [*rest, *listener, heir]:
        os.close(descriptor)
    return _watch(control, woken, _Runtime(runtime, told), freezer, request["walls"])


def _choose_next_pid() -> None:
    """A number of its own for the runtime process: libraries that keep random state tell by it that they are in another
    process than before, also when that process was restored from a snapshot."""
    with contextlib.suppress(OSError), open("/proc/sys/kernel/ns_last_pid", "w") as last:
        last.write(str(1 + int.from_bytes(os.urandom(2), "big") % PID_SPREAD))


class _Runtime:
    """Which of our children the runtime is: the tenant, or whom it named before it went."""

    def __init__(self, pid: int, told: int) -> None:
        self._pid, self._told = pid, told

    @property
    def pid(self) -> int:
        """Its number now."""
        with contextlib.suppress(BlockingIOError):
            self._pid = int(os.read(self._told, 64) or self._pid)
        return self._pid


def _watch(control: socket.socket, woken: int, runtime: _Runtime, freezer: list[int], walled: bool) -> int:
    """Until the agent hangs up or the runtime process has ended."""
    while True:
        ready, _, _ = select.select([control.fileno(), woken, *freezer], [], [])
        if control.fileno() in ready:
            break
        if freezer and freezer[0] in ready and not _obey(os.read(freezer[0], 64)):
            freezer = []  # nobody holds the other end any more
        if woken not in ready:
            continue
        os.read(woken, 64)
        status = _reap(runtime)
        if status is not None:
            _tell(control, {"exit": status})
            break
    if not walled:
        _kill_descendants()
    return 0


def _obey(orders: bytes) -> bytes:
    """Freeze or thaw, whichever was ordered last. Only the first process of a PID namespace may call this."""
    if orders and os.getpid() == 1:
        with contextlib.suppress(ProcessLookupError):
            os.kill(-1, signal.SIGSTOP if orders.endswith(b"1") else signal.SIGCONT)
    return orders


def _reap(runtime: _Runtime) -> int | None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return None
        if pid == runtime.pid:  # asked after the wait: the tenant names its heir before it ends
            return status
        if pid == 0:
            return None


def _kill_descendants() -> None:
    """Without a PID namespace the environment's processes are found as our adopted children."""
    path = f"/proc/self/task/{os.getpid()}/children"
    while True:
        with open(path) as children:
            pids = [int(pid) for pid in children.read().split()]
        if not pids:
            return
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        os.waitpid(-1, 0)


def _tell(control: socket.socket, message: dict[str, Any]) -> None:
    with contextlib.suppress(OSError):  # the agent has gone, and we go with it
        control.send(json.dumps(message).encode())
