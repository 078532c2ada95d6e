"""Whether this user can have what a sandbox is made of, found out by making one and throwing it away.

Knows: the steps, and the host's settings that forbid them. A child of ours takes the steps, so that nothing changes
for this process; it ends by itself. What cannot be known from a setting (a container's filter, a masked /proc)
shows in the step that fails.

Sources: user_namespaces(7), pid_namespaces(7); Debian's kernel.unprivileged_userns_clone; Ubuntu's
kernel.apparmor_restrict_unprivileged_userns.
"""

import ctypes
import os
from collections.abc import Callable
from pathlib import Path

from lambent.sandbox import user_namespace

# CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWPID, NEWNET of <linux/sched.h>
_NAMESPACES = 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x20000000 | 0x40000000
_MS_REC_PRIVATE = 16384 | 1 << 18
_SETTINGS = (
    ("kernel/unprivileged_userns_clone", "0", "sysctl -w kernel.unprivileged_userns_clone=1"),
    ("user/max_user_namespaces", "0", "sysctl -w user.max_user_namespaces=15000"),
    (
        "kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or give Lambent's Python a profile with userns",
    ),
)


def obstacle(settings: Path = Path("/proc/sys")) -> tuple[str, str] | None:
    """What stands in the way of an ordinary user's sandboxes, and what to do; None where nothing does."""
    failed = _first_failing_step()
    if failed is None:
        return None
    for name, forbids, remedy in _SETTINGS:
        place = settings / name
        if place.exists() and place.read_text().strip() == forbids:
            return (
                f"{name.replace('/', '.')} is {forbids}: ordinary users may not make namespaces here.",
                f"Run {remedy}",
            )
    advice = "Run Lambent outside of the container, or give the container what the step needs"
    return f"An ordinary user cannot {failed} here.", advice


def _first_failing_step() -> str | None:
    heard, tell = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(heard)
        _try(tell)
    os.close(tell)
    with open(heard, "rb") as answer:
        told = answer.read().decode()
    os.waitpid(child, 0)
    return None if told == "done" else told or "make the namespaces of a sandbox (its process died)"


def _try(tell: int) -> None:
    """Take the steps, in this process; ends it."""
    told = "done"
    for step, act in _STEPS:
        try:
            act()
        except OSError as error:
            told = f"{step} ({error.strerror})"
            break
    os.write(tell, told.encode())
    os._exit(0)


def _checked(result: int) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _unshare_rest() -> None:
    user_namespace.unshare(_NAMESPACES)


def _mount(source: bytes, target: bytes, kind: bytes | None, flags: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    _checked(libc.mount(source, target, kind, ctypes.c_ulong(flags), None))


def _mount_tmpfs() -> None:
    _mount(b"none", b"/", None, _MS_REC_PRIVATE)
    _mount(b"tmpfs", b"/tmp", b"tmpfs", 0)


def _mount_proc() -> None:
    child = os.fork()  # the first process of the new PID namespace: only there is a /proc to mount
    if child == 0:
        try:
            _mount(b"proc", b"/proc", b"proc", 0)
        except OSError as error:
            os._exit(error.errno or 1)
        os._exit(0)
    number = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if number:
        raise OSError(number, os.strerror(number))


_STEPS: tuple[tuple[str, Callable[[], None]], ...] = (
    ("make a user namespace", user_namespace.enter_alone),
    ("make namespaces inside a user namespace", _unshare_rest),
    ("mount a file system inside a user namespace", _mount_tmpfs),
    ("mount /proc inside a user namespace, because parts of the host's own are hidden", _mount_proc),
)
