"""Memory, process and CPU limits by control group, in version 1 and version 2 alike.

Knows: which files the two versions have for the same limit, and where they are mounted. Does not
know whose processes are inside. Writing is left to plain files: a cgroup is a folder.

Every group lies at `lambent/INSTANCE/NAME` below the mount (in version 1 once per controller), so
that what a dead agent left behind is found by its instance, or by its owner's death (owners.py), and
nothing else is ever touched.

Joining. Who writes a pid to `cgroup.procs` makes the kernel wait for a grace period of RCU (10 ms after a
rest), because another thread of that process might fork meanwhile. A process that moves only its own one
thread need not wait: "0" to version 1's `tasks`, or to `cgroup.threads` inside a threaded subtree.

Freezing is version 2's alone, because there a frozen process can be killed; in version 1 it would
outlive its killed agent. On a host of version 1 the freezers are threaded groups of a cgroup2 mount
beside it, which needs no controllers for that. Where there is no freezer, init stops a sandbox's processes by signals.

TCP's buffers are memory in version 2. In version 1 they have a limit of their own, without which one function could
fill what the whole host has for TCP: with it its sockets are kept small once it is reached.

Sources: Linux's Documentation/admin-guide/cgroup-v1/memory.rst (2.7.2, sockets memory pressure), net/ipv4/tcp.c
(tcp_init_mem) and cgroup-v2.rst; kernel/cgroup/cgroup.c,
cgroup_procs_write_start; a full vCPU at 1,769 MB is from the Lambda Developer Guide, "Configure Lambda
function memory".
"""

import contextlib
import fcntl
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct

from lambent.sandbox import owners

MIB = 1024 * 1024
MB_PER_VCPU = 1769
CPU_PERIOD_US = 100_000
SMALLEST_QUOTA_US = 1_000  # the kernel refuses less
MOUNTS = Path("/proc/self/mountinfo")
MAKING_ATTEMPTS = 5
V1_SWAP = "memory.memsw.limit_in_bytes"
V1_TCP_BUFFERS = "memory.kmem.tcp.limit_in_bytes"  # version 2 counts them as memory


class Dialect(Struct, frozen=True):
    """The names that one version of the interface has for what we need of it."""

    version: int
    join: str
    memory: str
    swap: str
    peak: str
    events: str

    def memory_writes(self, memory_mb: int) -> list[tuple[str, str, str]]:
        """(controller, file, text) that hold a group to `memory_mb`, in the order the kernel wants."""
        size = str(memory_mb * MIB)
        writes = [("memory", self.memory, size), ("memory", self.swap, size if self.version == 1 else "0")]
        return [*writes, ("memory", V1_TCP_BUFFERS, str(tcp_buffer_bytes(memory_mb)))] if self.version == 1 else writes

    def share_writes(self, memory_mb: int) -> list[tuple[str, str, str]]:
        """The group's part of a busy machine, in proportion to memory."""
        parts = max(2, 1024 * memory_mb // MB_PER_VCPU)
        if self.version == 1:
            return [("cpu", "cpu.shares", str(parts))]
        return [("cpu", "cpu.weight", str(min(10_000, max(1, 100 * parts // 1024))))]

    def quota_writes(self, memory_mb: int) -> list[tuple[str, str, str]]:
        """The most that the group gets of an idle machine; one period's worth may be saved up."""
        quota = str(quota_us(memory_mb))
        if self.version == 1:
            period = ("cpu", "cpu.cfs_period_us", str(CPU_PERIOD_US))
            return [period, ("cpu", "cpu.cfs_quota_us", quota), ("cpu", "cpu.cfs_burst_us", quota)]
        return [("cpu", "cpu.max", f"{quota} {CPU_PERIOD_US}"), ("cpu", "cpu.max.burst", quota)]


V1 = Dialect(
    1,
    "tasks",
    "memory.limit_in_bytes",
    V1_SWAP,
    "memory.max_usage_in_bytes",
    "memory.oom_control",
)
V2 = Dialect(2, "cgroup.procs", "memory.max", "memory.swap.max", "memory.peak", "memory.events")
CONTROLLERS = ("memory", "pids", "cpu")
FREEZER = "freezer"  # not a controller of version 2, but where its files are
MAY_BE_ABSENT = (V1_SWAP, V1_TCP_BUFFERS, "memory.swap.max", "cpu.cfs_burst_us", "cpu.max.burst")
TCP_BUFFERS_PART = 8  # about what a kernel that has the memory for itself leaves to TCP


def tcp_buffer_bytes(memory_mb: int) -> int:
    """What the sockets of an environment may hold where that is not counted as memory; above it, they shrink."""
    return memory_mb * MIB // TCP_BUFFERS_PART


def quota_us(memory_mb: int) -> int:
    """CPU time in each period for an environment of `memory_mb`."""
    return max(SMALLEST_QUOTA_US, CPU_PERIOD_US * memory_mb // MB_PER_VCPU)


class ControlGroup:
    """One environment's group."""

    def __init__(self, dialect: Dialect, folders: dict[str, Path]) -> None:
        self._dialect, self._folders = dialect, folders

    def _unique(self) -> list[Path]:
        return list(dict.fromkeys(self._folders.values()))

    def open_to_enter(self) -> list[int]:
        """Descriptors; a process from anywhere that writes "0" to each of them is inside."""
        return [_open_to_write(folder / "cgroup.procs") for folder in self._unique()]

    def open_to_join(self) -> list[int]:
        """The same, at once, for a process of one thread whose parent has entered one of our groups."""
        joins = dict.fromkeys(self._unique(), self._dialect.join)
        if self._dialect.version == 1 and FREEZER in self._folders:
            joins[self._folders[FREEZER]] = "cgroup.threads"
        return [_open_to_write(folder / name) for folder, name in joins.items()]

    @property
    def freezes(self) -> bool:
        """Whether there is a freezer."""
        return FREEZER in self._folders

    def open_freezer(self) -> int:
        """A descriptor: "1" stops every process inside, "0" lets them go on; -1 where there is none."""
        folder = self._folders.get(FREEZER)
        return -1 if folder is None else _open_to_write(folder / "cgroup.freeze")

    def limit(self, memory_mb: int, processes: int) -> None:
        """Memory, number of processes, and the share of a busy CPU."""
        writes = self._dialect.memory_writes(memory_mb) + self._dialect.share_writes(memory_mb)
        self._write([*writes, ("pids", "pids.max", str(processes))])

    def limit_cpu(self, memory_mb: int) -> None:
        """The CPU quota, which the init phase is free of."""
        self._write(self._dialect.quota_writes(memory_mb))

    def _write(self, writes: Iterable[tuple[str, str, str]]) -> None:
        for controller, name, text in writes:
            try:
                _write_text(self._folders[controller] / name, text)
            except FileNotFoundError:
                if name not in MAY_BE_ABSENT:
                    raise

    def open_memory_gauge(self) -> int:
        """A descriptor whose text is the highest memory use in bytes; -1 where the kernel keeps none."""
        try:
            return os.open(self._folders["memory"] / self._dialect.peak, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:  # version 2 before Linux 5.19
            return -1

    def peak_memory_bytes(self) -> int:
        """What the gauge says now; 0 where there is none."""
        try:
            return int((self._folders["memory"] / self._dialect.peak).read_text())
        except FileNotFoundError:
            return 0

    def ran_out_of_memory(self) -> bool:
        """Whether the kernel killed a process of the group for want of memory."""
        return "oom_kill 0\n" not in (self._folders["memory"] / self._dialect.events).read_text() + "\n"

    def remove(self) -> bool:
        """Take the group away; False while the kernel still counts a dying process in it."""
        for folder in self._unique():
            try:
                folder.rmdir()
            except FileNotFoundError:
                continue
            except OSError:
                return False
        return True


class ControlGroups:
    """All groups of one instance."""

    def __init__(self, dialect: Dialect, mounts: dict[str, Path], instance: str) -> None:
        self._dialect = dialect
        self._roots = {name: mount / "lambent" / instance for name, mount in mounts.items()}
        self._mounts = mounts

    def prepare(self) -> None:
        """Make the instance's own folders.

        Raises:
            OSError: the host does not let us.
        """
        owner = owners.this_process().folder
        for name, root in self._roots.items():
            _make_below(root.parent, root)
            (root / owner).mkdir(exist_ok=True)
            if self._dialect.version == 2:
                for folder in (self._mounts[name], root.parent, root):
                    _write_text(folder / "cgroup.subtree_control", "+memory +pids +cpu")

    def make(self, name: str) -> ControlGroup:
        """A new group."""
        folders = {controller: root / name for controller, root in self._roots.items()}
        for folder in dict.fromkeys(folders.values()):
            folder.mkdir()
        if self._dialect.version == 1 and FREEZER in folders:
            _write_text(folders[FREEZER] / "cgroup.type", "threaded")
        return ControlGroup(self._dialect, folders)

    def pids(self) -> set[int]:
        """Every process in any group of the instance."""
        return set[int]().union(*(owners.pids_below(self._roots[name]) for name in CONTROLLERS))

    def lock(self) -> int:
        """Wait until no other agent sweeps or makes its folders; they wait until the descriptor is closed.

        It is the mount that is locked: the folder below it goes with the last agent.
        """
        descriptor = os.open(self._mounts["memory"], os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        return descriptor

    def sweep_dead(self) -> bool:
        """Take away the groups of agents that are dead, whatever data they served; False while some are in use."""
        parents = dict.fromkeys(root.parent for root in self._roots.values())
        swept = [owners.sweep(root) for parent in parents for root in owners.dead_roots(parent)]
        return all(swept)

    def remove_all(self) -> bool:
        """Take away every group and the instance's folders; False while some are still in use."""
        done = True
        for folder in [*self._groups(self._roots.values()), *dict.fromkeys(self._roots.values())]:
            try:
                folder.rmdir()
            except FileNotFoundError:
                continue
            except OSError:
                done = False
        for root in dict.fromkeys(self._roots.values()):
            with contextlib.suppress(OSError):  # another instance is in it
                root.parent.rmdir()
        return done

    @staticmethod
    def _groups(roots: Iterable[Path]) -> Iterator[Path]:
        for root in dict.fromkeys(roots):
            if root.is_dir():
                yield from [folder for folder in root.iterdir() if folder.is_dir()]


def _make_below(common: Path, root: Path) -> None:
    """Make `root`; the last agent to leave takes `common` away, perhaps between two of our steps."""
    for attempt in range(MAKING_ATTEMPTS):
        try:
            common.mkdir(parents=True, exist_ok=True)
            root.mkdir(exist_ok=True)
        except FileNotFoundError:
            if attempt + 1 == MAKING_ATTEMPTS:
                raise
        else:
            return


def usable(dialect: Dialect, mounts: dict[str, Path], *, host_root: bool) -> bool:
    """Whether we may make the folder `lambent` below each mount, or use one that was made for us.

    Version 2's root is root's alone: it lets nobody else move a process between two branches of its tree. Of a
    branch that a user was given, `delegation` knows.
    """
    if dialect.version == 2 and not host_root:
        return False
    return all(
        any(os.access(at, os.W_OK) for at in (each / "lambent", each)) for each in map(mounts.__getitem__, CONTROLLERS)
    )


def find_mounts(mountinfo: str) -> tuple[Dialect, dict[str, Path]] | None:
    """Which version has all our controllers, and where; None when neither has.

    `mountinfo` is the text of /proc/self/mountinfo. Version 2 counts only if its root offers
    the controllers, because on mixed hosts version 1 holds them.
    """
    first: dict[str, Path] = {}
    freezer: dict[str, Path] = {}
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        point, (kind, _, options) = Path(left.split()[4]), right.split(" ", 2)
        if kind == "cgroup2" and _offers_all(point):
            return V2, dict.fromkeys((*CONTROLLERS, FREEZER), point)
        if kind == "cgroup2":
            freezer[FREEZER] = point
        if kind == "cgroup":
            first.update({name: point for name in options.split(",") if name in CONTROLLERS})
    return (V1, first | freezer) if len(first) == len(CONTROLLERS) else None


def _offers_all(point: Path) -> bool:
    try:
        offered = (point / "cgroup.controllers").read_text().split()
    except OSError:
        return False
    return set(CONTROLLERS) <= set(offered)


def _open_to_write(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CLOEXEC)


def _write_text(path: Path, text: str) -> None:
    descriptor = _open_to_write(path)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)
