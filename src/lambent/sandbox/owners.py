"""Whose control groups are these, and is their owner dead?

An agent leaves one empty group beside those of its environments, whose name says who it is: its process
id, when it started, and its PID namespace. So the groups that a killed agent leaves on data that
nobody serves again are found by the next agent on the machine. Only an owner in our own PID namespace
can be judged; all others, and groups without an owner, are left alone.

Source: proc(5), /proc/PID/stat (field 22, in ticks since boot: a process id comes again, but not with
the same start); pid_namespaces(7): who is of a namespace that we do not see has the process id 0.
"""

import contextlib
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

PROC = Path("/proc")
NAME = re.compile(r"owner\.(\d+)\.(\d+)\.(\d+)")


class Owner(Struct, frozen=True):
    """One process, told from all others of this machine since it was started."""

    pid: int
    started_ticks: int
    namespace: int

    @property
    def folder(self) -> str:
        """The name of the group that tells of it."""
        return f"owner.{self.pid}.{self.started_ticks}.{self.namespace}"


def this_process(proc: Path = PROC) -> Owner:
    """Who we are."""
    pid = os.getpid()
    started_ticks = _started_ticks(pid, proc)
    assert started_ticks is not None
    return Owner(pid, started_ticks, namespace_of_pids())


def namespace_of_pids() -> int:
    """The number of our PID namespace; no two that live have the same."""
    return (PROC / "self/ns/pid").stat().st_ino


def owner_of(root: Path) -> Owner | None:
    """Who made the groups below `root`; None when it does not say, or says two things."""
    found = [match for match in (NAME.fullmatch(folder.name) for folder in _folders(root)) if match]
    return Owner(*map(int, found[0].groups())) if len(found) == 1 else None


def is_dead(owner: Owner, proc: Path = PROC) -> bool:
    """Whether it is known to be gone."""
    return owner.namespace == namespace_of_pids() and _started_ticks(owner.pid, proc) != owner.started_ticks


def dead_roots(lambent: Path, proc: Path = PROC) -> list[Path]:
    """The folders below `lambent` whose owner is dead."""
    owners = [(root, owner_of(root)) for root in _folders(lambent)]
    return [root for root, owner in owners if owner is not None and is_dead(owner, proc)]


def sweep(root: Path) -> bool:
    """Kill what still runs below `root`, and take the groups away; False while some are in use."""
    for pid in pids_below(root):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    owner = owner_of(root)
    mark = None if owner is None else root / owner.folder
    groups = [folder for folder in _folders(root) if folder != mark]
    removed = [_remove(folder) for folder in groups]
    return all(removed) and (mark is None or _remove(mark)) and _remove(root)  # the mark goes last


def pids_below(root: Path) -> set[int]:
    """Every process in a group below `root`; never 0, which stands for processes that we do not see."""
    found: set[int] = set()
    for folder in _folders(root):
        with contextlib.suppress(OSError):  # it has gone, or cannot tell (a threaded group of version 2)
            found.update(map(int, (folder / "cgroup.procs").read_text().split()))
    return found - {0}


def _remove(folder: Path) -> bool:
    try:
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _folders(root: Path) -> Iterator[Path]:
    with contextlib.suppress(FileNotFoundError):
        yield from [folder for folder in root.iterdir() if folder.is_dir()]


def _started_ticks(pid: int, proc: Path) -> int | None:
    try:
        return int((proc / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()[19])
    except (FileNotFoundError, ProcessLookupError):
        return None
