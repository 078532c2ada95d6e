"""The agent of an ordinary user: root of a user namespace of its own, and of nothing else.

Knows: whether this process is the host's root, which ids the host lets its user use, and how to step into
a namespace in which those are mapped. Does not know sandboxes: what the agent then may do (namespaces,
mounts, `become` another uid) it does as on a host where it is root.

Inside, the agent's uid 0 is the user that started it. With a range of subordinate ids (/etc/subuid, /etc/subgid and
the two programs of the package uidmap) each environment has a uid of its own, which is nobody's outside.
Without one the kernel maps a single id: all environments are that user to the host, each in one more user namespace.

Sources: user_namespaces(7), newuidmap(1), subuid(5).
"""

import contextlib
import ctypes
import os
import pwd
import shutil
import subprocess
from pathlib import Path

import structlog
from msgspec import Struct

from lambent.sandbox.api import SandboxFailure
from lambent.sandbox.uid_claims import HOST_UIDS

CLONE_NEWUSER = 0x10000000
MAPPERS = ("newuidmap", "newgidmap")
WHOLE_HOST = ("0", "0", "4294967295")
FIRST_UID, FEWEST_UIDS, NOBODY = 1, 1_000, 65_534
INOTIFY_INSTANCES = Path("/proc/sys/user/max_inotify_instances")
MOST_INOTIFY_INSTANCES = 16  # of the 128 that Linux lets a user have
SHARED_UID = 1_051  # what an environment calls itself where there is only one id to share

log = structlog.get_logger()


class Standing(Struct, frozen=True):
    """What this node's agent is to the host, and the uids that it may give to environments."""

    host_root: bool
    first_uid: int
    uids: int

    @property
    def shared_uid(self) -> bool:
        """Whether all environments are one user."""
        return self.uids == 1

    def uid(self, number: int) -> int:
        """The uid of the environment of that serial number."""
        return self.first_uid + number % self.uids


NO_STANDING = Standing(host_root=False, first_uid=SHARED_UID, uids=1)  # where there are no walls


class Range(Struct, frozen=True):
    """Subordinate ids of the host."""

    first: int
    count: int


def is_host_root() -> bool:
    """Whether we are uid 0 of the host itself, not of a user namespace (such as a container without root has)."""
    return os.geteuid() == 0 and tuple(Path("/proc/self/uid_map").read_text().split()) == WHOLE_HOST


def subordinate_range(table: str, user: str, uid: int) -> Range | None:
    """The largest range that a text like /etc/subuid gives to the user, by name or number."""
    found = []
    for line in table.splitlines():
        owner, _, rest = line.strip().partition(":")
        first, _, count = rest.partition(":")
        if owner in {user, str(uid)} and first.isdecimal() and count.isdecimal():
            found.append(Range(int(first), int(count)))
    best = max(found, key=lambda each: each.count, default=None)
    return best if best is not None and best.count >= FEWEST_UIDS else None


def own_ranges() -> tuple[Range, Range] | None:
    """Subordinate uids and gids of our user, where the host also has the programs that map them."""
    if not all(map(shutil.which, MAPPERS)):
        return None
    uid = os.geteuid()
    try:
        user = pwd.getpwuid(uid).pw_name
    except KeyError:
        user = ""
    found = [subordinate_range(_text(Path("/etc", name)), user, uid) for name in ("subuid", "subgid")]
    return (found[0], found[1]) if found[0] is not None and found[1] is not None else None


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def stand(first_host_uid: int) -> Standing:
    """Be what the host lets us be; called once, before the process has a second thread.

    Raises:
        SandboxFailure: the host lets an ordinary user have no namespaces.
    """
    if is_host_root():
        return Standing(host_root=True, first_uid=first_host_uid, uids=HOST_UIDS)
    ours, ranges = (os.geteuid(), os.getegid()), own_ranges()
    try:
        if ranges is None:
            enter_alone()
        elif _enter_with(ours, ranges):
            uids = min(ranges[0].count, ranges[1].count, NOBODY - FIRST_UID)
            _limit_each_uid()
            return Standing(host_root=False, first_uid=FIRST_UID, uids=uids)
        else:
            log.warning("newuidmap failed: environments share one uid", action="agent.namespace")
            _map_alone(*ours)
    except OSError as error:
        raise SandboxFailure(f"This user cannot have a user namespace: {error}. `lambent doctor` says more.") from error
    return Standing(host_root=False, first_uid=SHARED_UID, uids=1)


def enter_alone() -> None:
    """Step into a user namespace in which we are uid 0 and nobody else is.

    Raises:
        OSError: the host does not let us.
    """
    ours = os.geteuid(), os.getegid()
    unshare(CLONE_NEWUSER)
    _map_alone(*ours)


def _enter_with(ours: tuple[int, int], ranges: tuple[Range, Range]) -> bool:
    """Step in, and have a child that stays outside map the ranges; False when it could not."""
    entered, tell = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(tell)
        os._exit(_map_from_outside(entered, ours, ranges))
    os.close(entered)
    try:
        unshare(CLONE_NEWUSER)
    finally:
        os.close(tell)
        _, status = os.waitpid(child, 0)
    if status == 0:
        os.setgroups([])
    return status == 0


def _map_from_outside(entered: int, ours: tuple[int, int], ranges: tuple[Range, Range]) -> int:
    try:
        os.read(entered, 1)  # nothing ever comes: it ends when the agent has stepped in
        for program, own, extra in zip(MAPPERS, ours, ranges, strict=True):
            words = (os.getppid(), 0, own, 1, FIRST_UID, extra.first, extra.count)
            subprocess.run([program, *map(str, words)], check=True, capture_output=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return 1
    return 0


def _limit_each_uid() -> None:
    """What the kernel counts for each uid of the namespace, and in the end for the one user whose it is: no environment
    takes all of it. Where they share a uid, each has a namespace to be limited (`runtimes/python/rights.py`)."""
    with contextlib.suppress(OSError):  # the host does not let anybody set it, or has no inotify
        INOTIFY_INSTANCES.write_text(str(MOST_INOTIFY_INSTANCES))


def _map_alone(uid: int, gid: int) -> None:
    """The one id that the kernel lets a user map without help."""
    own = Path("/proc/self")
    (own / "setgroups").write_text("deny")
    (own / "uid_map").write_text(f"0 {uid} 1")
    (own / "gid_map").write_text(f"0 {gid} 1")


def unshare(flags: int) -> None:
    """unshare(2); `os` has it from Python 3.12 on.

    Raises:
        OSError: the host does not let us.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(ctypes.c_int(flags)) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
