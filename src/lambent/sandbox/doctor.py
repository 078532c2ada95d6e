"""What this host can do for sandboxes, and what to install where it cannot.

Knows: how to find out without changing anything. `lambent doctor` prints the findings; `serve`
refuses to start where a necessary one is missing, unless isolation is given up by name.
"""

import ctypes.util
import os
from pathlib import Path
from typing import Literal

from msgspec import Struct

from lambent.sandbox import cgroups, delegation, network_namespace, network_probe, scratch, user_namespace_probe
from lambent.sandbox.api import SandboxFailure
from lambent.sandbox.launch import OS_ONLY, Host, every_runtime, look_at_host, needs
from lambent.sandbox.user_namespace import is_host_root, own_ranges

NAMESPACES = {"mnt": "mount", "pid": "PID", "net": "network", "ipc": "IPC", "uts": "UTS", "cgroup": "cgroup"}
DELEGATE = (
    "Start it with `systemd-run --user --scope -p Delegate=yes lambent serve`. Where that has no cpu controller: as "
    "root, write [Service] and Delegate=cpu memory pids to /etc/systemd/system/user@.service.d/lambent.conf; log in "
    "anew."
)
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
    """Everything about this host that sandboxes depend on. Runs every interpreter it finds once."""
    extra = [] if is_host_root() else [_uids()]
    return [*necessities(), *extra, _freezer(), _scratch(), _egress(), *_interpreters(look_at_host())]


def necessities() -> list[Finding]:
    """What has to be there for any sandbox."""
    return [_root(), _namespaces(), _cgroups(), _seccomp()]


def require_sandboxes() -> None:
    """Nothing, on a host that can make sandboxes.

    Raises:
        SandboxFailure: what is missing, and what to do.
    """
    missing = [each for each in necessities() if not each.ok and each.weight == "necessary"]
    if missing:
        told = " ".join(f"{each.detail} {each.advice}" for each in missing)
        raise SandboxFailure(f"This host cannot make sandboxes. {told}")


def require_egress() -> None:
    """Nothing, on a host that can lead functions to the internet.

    Raises:
        SandboxFailure: what is missing, and what to do.
    """
    obstacle = egress_obstacle()
    if obstacle is not None:
        raise SandboxFailure(f"This host cannot serve --network egress. {obstacle}")


def _root() -> Finding:
    if is_host_root():
        return Finding("root", True, "necessary", "Lambent runs as root.")
    blocked = user_namespace_probe.obstacle()
    if blocked is None:
        return Finding("root", True, "necessary", "Lambent runs without root, in user namespaces.")
    return Finding("root", False, "necessary", blocked[0], f"{blocked[1]}, start Lambent as root, {WITHOUT}.")


def egress_obstacle() -> str | None:
    """Why functions cannot have `egress` here and what to do; None where they can."""
    missing = network_namespace.missing_programs()
    if missing:
        return f"Install {' and '.join(missing)}."
    failed = network_probe.failing_step()
    return f"The kernel cannot redirect connections ({failed}): load nf_tables and nft_tproxy." if failed else None


def _egress() -> Finding:
    obstacle = egress_obstacle()
    if obstacle is None:
        return Finding("egress", True, "useful", "Functions can be given a way to the internet (egress).")
    return Finding("egress", False, "useful", "Functions cannot be given a way to the internet (egress).", obstacle)


def _uids() -> Finding:
    if own_ranges() is not None:
        return Finding("uids", True, "useful", "Each environment has a uid of its own.")
    detail = "All environments are this user to the kernel, apart by namespaces only."
    advice = "Install uidmap (Fedora: shadow-utils) and give the user 65536 ids in /etc/subuid and /etc/subgid."
    return Finding("uids", False, "useful", detail, advice)


def _namespaces() -> Finding:
    missing = [words for name, words in NAMESPACES.items() if not Path("/proc/self/ns", name).exists()]
    if not missing:
        return Finding("namespaces", True, "necessary", "The kernel has every kind of namespace.")
    detail = f"The kernel has no {', '.join(missing)} namespaces."
    return Finding("namespaces", False, "necessary", detail, f"Use a kernel with CONFIG_NAMESPACES, {WITHOUT}.")


def _cgroups() -> Finding:
    found = cgroups.find_mounts(cgroups.MOUNTS.read_text())
    weight: Weight = "necessary" if is_host_root() else "useful"
    if not is_host_root() and (given := delegation.given()) is not None:
        return Finding("cgroups", True, weight, f"Control groups of version 2 were given to this user: {given}.")
    if found is None:
        detail = f"The memory, pids and cpu controllers are not mounted. {_without_groups()}"
        advice = f"Mount cgroup2 at /sys/fs/cgroup (or version 1's controllers below it){_or_without()}."
        return Finding("cgroups", False, weight, detail.strip(), advice)
    dialect, mounts = found
    detail = f"Control groups are version {dialect.version}."
    if cgroups.usable(dialect, mounts, host_root=is_host_root()):
        return Finding("cgroups", True, weight, detail)
    if is_host_root():
        places = ", ".join(map(str, sorted({mounts[name] for name in cgroups.CONTROLLERS})))
        advice = f"Mount {places} writable (a container needs --privileged), {WITHOUT}."
        return Finding("cgroups", False, weight, f"{detail} They are not writable.", advice)
    folders = " ".join(f"{mount}/lambent" for mount in sorted({mounts[name] for name in cgroups.CONTROLLERS}))
    made = f"As root, once after each boot: mkdir -p {folders} && chown {os.geteuid()} {folders}."
    advice = made if dialect.version == 1 else DELEGATE
    return Finding("cgroups", False, weight, f"{detail} {_without_groups()}", advice)


def _without_groups() -> str:
    """What is lost to an ordinary user without control groups; root does not go on without them."""
    return (
        ""
        if is_host_root()
        else (
            "None are ours: memory limits are kept by looking (up to 20 times a second) and killing, CPU time is "
            "in proportion to memory by priority only, and functions have no memfd_create and shmget."
        )
    )


def _or_without() -> str:
    return f", {WITHOUT}" if is_host_root() else ""


def _seccomp() -> Finding:
    filters = Path("/proc/sys/kernel/seccomp/actions_avail").exists()
    library = ctypes.util.find_library("seccomp") is not None
    if filters and library:
        return Finding("seccomp", True, "necessary", "System calls can be filtered.")
    detail = "libseccomp is missing." if filters else "The kernel has no system call filters."
    advice = "Install libseccomp2 (Debian, Ubuntu) or libseccomp (Fedora)" if filters else "Use another kernel"
    return Finding("seccomp", False, "necessary", detail, f"{advice}, {WITHOUT}.")


def _freezer() -> Finding:
    found = cgroups.find_mounts(cgroups.MOUNTS.read_text())
    by_groups = found is not None and cgroups.FREEZER in found[1] if is_host_root() else delegation.given() is not None
    if by_groups:
        return Finding("freezer", True, "useful", "Idle environments are frozen, by control groups.")
    return Finding("freezer", True, "useful", "Idle environments are frozen, by signals.")


def _scratch() -> Finding:
    if not is_host_root():
        detail = "Without root, files that a function writes to /tmp are memory of the host."
        return Finding("scratch", False, "useful", detail, "Start Lambent as root for disks.")
    if scratch.find_mkfs() is None:
        detail = "mkfs.ext4 or debugfs is missing: files that a function writes count against its memory."
        return Finding("scratch", False, "useful", detail, "Install e2fsprogs.")
    if not scratch.usable():
        detail = "There are no loop devices: files that a function writes count against its memory."
        return Finding("scratch", False, "useful", detail, "Load the loop module (modprobe loop).")
    return Finding("scratch", True, "useful", "Functions write to disks of their own.")


def _interpreters(host: Host) -> list[Finding]:
    if not host.pythons:
        advice = "Install Python 3.9 or newer with its shared library, ctypes and ssl."
        return [Finding("interpreters", False, "necessary", "No interpreter for any Python runtime was found.", advice)]
    detail = f"Sandboxes begin in a Python, and {len(host.pythons)} were found."
    return [
        Finding("interpreters", True, "necessary", detail),
        *(_runtime(runtime, host) for runtime in every_runtime()),
        _images(),
    ]


def _images() -> Finding:
    """Container images bring their own root; what they need of the host every sandbox needs."""
    detail = f"Their roots need no mounts but a bind; this processor runs images for linux/{_processor()}."
    return Finding("container images", True, "useful", detail)


def _processor() -> str:
    machine = os.uname().machine
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


def _runtime(runtime: str, host: Host) -> Finding:
    """One runtime identifier."""
    found = host.pythons.get(runtime) or host.installations.get(runtime)
    if found is not None:
        version = ".".join(map(str, found.version))
        return Finding(f"runtime {runtime}", True, "useful", f"Version {version} at {found.executable}.")
    if runtime in OS_ONLY:
        return Finding(f"runtime {runtime}", True, "useful", "The program is the function's own.")
    return Finding(
        f"runtime {runtime}", False, "useful", "Its interpreter was not found.", f"Install {needs(runtime)}."
    )
