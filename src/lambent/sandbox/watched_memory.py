"""The memory limit where control groups are not ours: look often, and kill what the kernel would.

Theory: an environment's processes are the descendants of its init. Their memory is what is theirs alone plus their
part of what they share (PSS), of the kinds that cost memory (anonymous, and shared without a file). The cheap sum
(RSS) is never below it, so the dear one is read only when the cheap one is above the limit. What cannot be seen in a
process at all, files in memory without a mapping and System V segments, `seccomp` refuses on such a node; /tmp has a
size of its own. A group is looked at each `SHORTEST_S`, and less often while nothing changes in it. A look at many
processes takes long, and they may be there to make it so: it goes on `AT_ONCE` by `AT_ONCE`, with time for all else of
the agent between, such as the end of that environment.

What this is not: exact. Between two looks a function may use more than it was given. `doctor` says so. CPU time is not
limited at all, but where it is scarce, an environment's processes get theirs by `niceness`.

Rejected: RLIMIT_AS and RLIMIT_DATA, which count what is reserved, not what is used: thread stacks and every modern
runtime reserve gigabytes. Source: Linux's Documentation/filesystems/proc.rst (status, smaps_rollup, children).
"""

import contextlib
import math
import os
import re
import signal
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import structlog

from lambent.clock import Clock
from lambent.sandbox.cgroups import MB_PER_VCPU

SHORTEST_S, LONGEST_S = 0.05, 0.4
AT_ONCE, PAUSE_S = 32, 0.005  # a few milliseconds of looking each
NICENESS_STEP, NICEST = 1.25, 19
STEADY_BYTES = 1024 * 1024
KIB, MIB = 1024, 1024 * 1024
_RESIDENT = re.compile(rb"^(?:RssAnon|RssShmem|VmSwap):\s+(\d+) kB$", re.MULTILINE)
_PROPORTIONAL = re.compile(rb"^(?:Pss_Anon|Pss_Shmem|SwapPss):\s+(\d+) kB$", re.MULTILINE)

Use = dict[int, int]  # bytes of each process
log = structlog.get_logger()


class WatchedGroup:
    """One environment; the same face as `cgroups.ControlGroup` for whom it serves."""

    def __init__(self, forget: Callable[["WatchedGroup"], None], processes: "Processes") -> None:
        self._forget, self._processes = forget, processes
        self._init, self._limit_bytes, self._peak_bytes = -1, 0, 0
        self._last_bytes, self._killed = 0, False
        self._gauge = -1
        self._look: Iterator[None] | None = None
        self.wait_s, self.due_s = SHORTEST_S, 0.0

    def open_to_join(self) -> list[int]:
        """Nothing to join: who descends from init is inside."""
        return []

    freezes = False

    def open_freezer(self) -> int:
        """There is none."""
        return -1

    def holds(self, init: int) -> None:
        """Its first process."""
        self._init = init

    def limit(self, memory_mb: int, processes: int) -> None:
        """Begin to watch; the number of processes is held by RLIMIT_NPROC."""
        self._limit_bytes = memory_mb * MIB

    def limit_cpu(self, memory_mb: int) -> None:
        """Not to be had without control groups."""

    def open_memory_gauge(self) -> int:
        """A file with the highest use that was seen."""
        self._gauge = os.memfd_create("memory-gauge", os.MFD_CLOEXEC)
        os.write(self._gauge, b"0\n")
        return os.dup(self._gauge)

    def peak_memory_bytes(self) -> int:
        """The highest use that was seen."""
        return self._peak_bytes

    def ran_out_of_memory(self) -> bool:
        """Whether a look has ended in killing."""
        return self._killed

    def remove(self) -> bool:
        """Watch no more."""
        self._forget(self)
        if self._gauge >= 0:
            os.close(self._gauge)
            self._gauge = -1
        return True

    def look(self) -> bool:
        """Measure, and kill the largest processes until the rest fits; False when there is more to be looked at."""
        look, self._look = self._look or self._looking(), None
        for _ in look:
            self._look = look
            return False
        return True

    def _looking(self) -> Iterator[None]:
        if not self._limit_bytes:
            return
        resident = yield from _gathered(self._processes.resident(self._init))
        used = sum(resident.values())
        if used > self._limit_bytes:
            proportional = yield from _gathered(self._processes.proportional(list(resident)))
            used = sum(proportional.values())
            for pid in victims(proportional, self._limit_bytes):
                self._killed = True
                self._processes.kill(pid, self._init)
        self._note(used)

    def _note(self, used: int) -> None:
        steady = abs(used - self._last_bytes) < STEADY_BYTES
        self.wait_s = min(2 * self.wait_s, LONGEST_S) if steady else SHORTEST_S
        self._last_bytes = used
        if used > self._peak_bytes:
            self._peak_bytes = used
            if self._gauge >= 0:
                os.pwrite(self._gauge, b"%d\n" % used, 0)


def _gathered(measured: Iterator[tuple[int, int]]) -> Generator[None, None, Use]:
    use: Use = {}
    for pid, used in measured:
        use[pid] = used
        if len(use) % AT_ONCE == 0:
            yield
    return use


def niceness(memory_mb: int) -> int:
    """The priority of an environment's processes where no control group gives it a share: by its memory, as that.

    Source: sched(7), "The nice value": each step is a factor of about 1.25.
    """
    return min(NICEST, max(0, round(math.log(MB_PER_VCPU / memory_mb, NICENESS_STEP))))


def victims(use: Use, limit_bytes: int) -> Iterator[int]:
    """The largest processes, until what is left is within the limit."""
    left = sum(use.values())
    for pid in sorted(use, key=lambda each: use[each], reverse=True):
        if left <= limit_bytes:
            return
        left -= use[pid]
        yield pid


class Processes:
    """The processes of this machine, read from /proc."""

    def __init__(self, root: Path = Path("/proc")) -> None:
        self._root = root

    def resident(self, init: int) -> Iterator[tuple[int, int]]:
        """What each descendant of `init` has in memory, what it shares counted in full."""
        return ((pid, _sum(self._read(f"{pid}/status"), _RESIDENT)) for pid in self._below(init))

    def proportional(self, pids: list[int]) -> Iterator[tuple[int, int]]:
        """What each of `pids` has in memory, what it shares divided among those who share it."""
        return ((pid, _sum(self._read(f"{pid}/smaps_rollup"), _PROPORTIONAL)) for pid in pids)

    def _below(self, pid: int) -> Iterator[int]:
        left = [pid]
        while left:  # a function may make a line of ancestors as long as it likes
            above = left.pop()
            for task in self._list(f"{above}/task"):
                children = [int(child) for child in self._read(f"{above}/task/{task}/children").split()]
                left += children
                yield from children

    def kill(self, pid: int, init: int) -> None:
        """End `pid`, if it is still in the PID namespace whose first process is `init`."""
        with contextlib.suppress(OSError):  # it has gone by itself
            descriptor = os.pidfd_open(pid)
            try:
                inside = (os.readlink(self._root / str(each) / "ns/pid") for each in (pid, init))
                if len(set(inside)) == 1:
                    signal.pidfd_send_signal(descriptor, signal.SIGKILL)
            finally:
                os.close(descriptor)

    def _read(self, name: str) -> bytes:
        """As bytes: a process may have any name."""
        try:
            return (self._root / name).read_bytes()
        except OSError:  # it ended while we looked
            return b""

    def _list(self, name: str) -> list[str]:
        try:
            return os.listdir(self._root / name)
        except OSError:
            return []


def _sum(text: bytes, lines: re.Pattern[bytes]) -> int:
    return KIB * sum(int(found) for found in lines.findall(text))


class MemoryWatcher:
    """Looks at all groups of a node; `run` is a task of whoever made it."""

    def __init__(self, clock: Clock, processes: Processes) -> None:
        self._clock, self._processes = clock, processes
        self._groups: set[WatchedGroup] = set()

    def make(self) -> WatchedGroup:
        """A new group, watched from its limit on."""
        group = WatchedGroup(self._groups.discard, self._processes)
        self._groups.add(group)
        return group

    async def run(self) -> None:
        """Look, for ever."""
        while True:
            now_s = self._clock.monotonic_s()
            looks = [self._look_at(group, now_s) for group in list(self._groups) if group.due_s <= now_s]
            await self._clock.sleep(SHORTEST_S if all(looks) else PAUSE_S)

    def _look_at(self, group: WatchedGroup, now_s: float) -> bool:
        try:
            done = group.look()
        except Exception:  # a bug of ours must not leave the others without a limit
            log.exception("memory cannot be measured", action="memory.look")
            done = True
        if done:
            group.due_s = now_s + group.wait_s
        return done
