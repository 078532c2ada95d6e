"""The part of version 2's control groups that was given to an ordinary user, as systemd does with `Delegate=yes`.

Knows: which group this process is in, whether it is the user's own, and how to make it serve. Does not know what
is made below it: for `cgroups` it is a mount like any other.

Version 2 has two rules more than a folder has. A process moves only inside a subtree whose common ancestor is its
user's, so the whole server has to have been started inside of it. And a group that hands controllers to those below
has no process of its own, so the supervisor steps down to `lambent/parts`, before it starts anything, and back when
all has ended.

Source: Linux's Documentation/admin-guide/cgroup-v2.rst, "Delegation" and "No Internal Process Constraint".
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import structlog

from lambent.sandbox.cgroups import CONTROLLERS

MOUNTS, MEMBERSHIP = Path("/proc/self/mountinfo"), Path("/proc/self/cgroup")
COMMON, PARTS = "lambent", "parts"
WRITTEN = ("", "cgroup.procs", "cgroup.subtree_control")

log = structlog.get_logger()


def given(controllers: tuple[str, ...] = CONTROLLERS) -> Path | None:
    """The group that is ours to divide; None where there is none, or where others are in it."""
    own = own_group(MOUNTS.read_text(), MEMBERSHIP.read_text())
    if own is None:
        return None
    base = own.parent.parent if has_settled(own) else own
    return base if _serves(base, controllers) and (base != own or _is_alone(own)) else None


def own_group(mountinfo: str, membership: str) -> Path | None:
    """The folder of our group of version 2, from the texts of /proc/self/mountinfo and /proc/self/cgroup."""
    points = [
        left.split()[4]
        for left, _, right in (line.partition(" - ") for line in mountinfo.splitlines())
        if right.startswith("cgroup2 ") and left.split()[3] == "/"
    ]
    paths = [line[3:] for line in membership.splitlines() if line.startswith("0::/")]
    return Path(points[0] + paths[0].rstrip("/")) if points and paths else None


def has_settled(own: Path) -> bool:
    """Whether this is where the parts of a server are, not what was given to it."""
    return own.parts[-2:] == (COMMON, PARTS)


def _serves(base: Path, controllers: tuple[str, ...]) -> bool:
    try:
        offered = (base / "cgroup.controllers").read_text().split()
    except OSError:
        return False
    return set(controllers) <= set(offered) and all(os.access(base / name, os.W_OK) for name in WRITTEN)


def _is_alone(own: Path) -> bool:
    return (own / "cgroup.procs").read_text().split() == [str(os.getpid())]


@contextlib.contextmanager
def settled(controllers: tuple[str, ...] = CONTROLLERS) -> Iterator[None]:
    """What was given to us serves those whom we start meanwhile. Nothing, where that is nothing.

    Entered by the supervisor, alone in its group; when it leaves, no process and no group is below.
    """
    base = given(controllers)
    if base is None or has_settled(base):
        yield
        return
    parts = base / COMMON / PARTS
    try:
        parts.mkdir(parents=True, exist_ok=True)
        (parts / "cgroup.procs").write_text("0")
        _divide(base, "+", controllers)
    except OSError as error:
        log.warning(
            "the control group cannot be divided", action="supervisor.cgroup", group=str(base), error=str(error)
        )
        _step_back(base)
        yield
        return
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # another server of ours is below it, and has use for them
            _divide(base / COMMON, "-", controllers)
            _divide(base, "-", controllers)
        _step_back(base)


def _divide(group: Path, sign: str, controllers: tuple[str, ...]) -> None:
    (group / "cgroup.subtree_control").write_text(" ".join(sign + name for name in controllers))


def _step_back(base: Path) -> None:
    with contextlib.suppress(OSError):
        (base / "cgroup.procs").write_text("0")
        (base / COMMON / PARTS).rmdir()
        (base / COMMON).rmdir()
