"""What this host can do for sandboxes, and what to install where it cannot.

Knows: how to find out without changing anything. `lambent doctor` prints the findings; `serve`
refuses to start where a necessary one is missing, unless isolation is given up by name.
"""

import ctypes.util
import os
from pathlib import Path
from typing import Literal

from msgspec import Struct

from lambent.sandbox import cgroups, scratch
from lambent.sandbox.api import SandboxFailure
from lambent.sandbox.interpreters import Interpreter, find_runtimes

NAMESPACES = {"mnt": "mount", "pid": "PID", "net": "network", "ipc": "IPC", "uts": "UTS", "cgroup": "cgroup"}
WITHOUT = "or give up isolation with --isolation process"

Weight = Literal["necessary", "useful"]


class Finding(Struct, frozen=True):
    """One thing looked at. `advice` says what to do when it is not `ok`."""

    name: str
    ok: bool
    weight: Weight
    detail: str
    advice: str = ""


def findings() -> list[Finding]:
    """Everything about this host that sandboxes depend on. Runs every Python it finds once."""
    return [*necessities(), _scratch(), _interpreters(find_runtimes())]


def necessities() -> list[Finding]:
    """What has to be there for any sandbox."""
    return [_root(), _namespaces(), _cgroups(), _seccomp()]


def require_sandboxes() -> None:
    """Nothing, on a host that can make sandboxes.

    Raises:
        SandboxFailure: what is missing, and what to do.
    """
    missing = [each for each in necessities() if not each.ok]
    if missing:
        told = " ".join(f"{each.detail} {each.advice}" for each in missing)
        raise SandboxFailure(f"This host cannot make sandboxes. {told}")


def _root() -> Finding:
    ok = os.geteuid() == 0
    detail = "Lambent runs as root." if ok else "Lambent does not run as root."
    return Finding("root", ok, "necessary", detail, "" if ok else f"Start it as root, {WITHOUT}.")


def _namespaces() -> Finding:
    missing = [words for name, words in NAMESPACES.items() if not Path("/proc/self/ns", name).exists()]
    if not missing:
        return Finding("namespaces", True, "necessary", "The kernel has every kind of namespace.")
    detail = f"The kernel has no {', '.join(missing)} namespaces."
    return Finding("namespaces", False, "necessary", detail, f"Use a kernel with CONFIG_NAMESPACES, {WITHOUT}.")


def _cgroups() -> Finding:
    found = cgroups.find_mounts(cgroups.MOUNTS.read_text())
    if found is None:
        detail = "The memory, pids and cpu controllers are not mounted."
        advice = f"Mount cgroup2 at /sys/fs/cgroup (or version 1's controllers below it), {WITHOUT}."
        return Finding("cgroups", False, "necessary", detail, advice)
    dialect, mounts = found
    closed = [str(mount) for mount in sorted(set(mounts.values())) if not os.access(mount, os.W_OK)]
    detail = f"Control groups are version {dialect.version}."
    if not closed:
        return Finding("cgroups", True, "necessary", detail)
    advice = f"Mount {', '.join(closed)} writable (a container needs --privileged), {WITHOUT}."
    return Finding("cgroups", False, "necessary", f"{detail} They are not writable.", advice)


def _seccomp() -> Finding:
    filters = Path("/proc/sys/kernel/seccomp/actions_avail").exists()
    library = ctypes.util.find_library("seccomp") is not None
    if filters and library:
        return Finding("seccomp", True, "necessary", "System calls can be filtered.")
    detail = "libseccomp is missing." if filters else "The kernel has no system call filters."
    advice = "Install libseccomp2 (Debian, Ubuntu) or libseccomp (Fedora)" if filters else "Use another kernel"
    return Finding("seccomp", False, "necessary", detail, f"{advice}, {WITHOUT}.")


def _scratch() -> Finding:
    if scratch.find_mkfs() is None:
        detail = "mkfs.ext4 or debugfs is missing: files that a function writes count against its memory."
        return Finding("scratch", False, "useful", detail, "Install e2fsprogs.")
    if not scratch.usable():
        detail = "There are no loop devices: files that a function writes count against its memory."
        return Finding("scratch", False, "useful", detail, "Load the loop module (modprobe loop).")
    return Finding("scratch", True, "useful", "Functions write to disks of their own.")


def _interpreters(found: dict[str, Interpreter]) -> Finding:
    if not found:
        advice = "Install Python 3.9 or newer with its shared library, ctypes and ssl."
        return Finding("interpreters", False, "necessary", "No interpreter for any Python runtime was found.", advice)
    detail = "Runtimes: " + ", ".join(f"{name} ({each.prefix})" for name, each in found.items()) + "."
    return Finding("interpreters", True, "necessary", detail)
