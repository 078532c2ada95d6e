"""What a part that was killed leaves: processes that the kernel hands to the supervisor.

The agent's zygotes die with it, and sandboxes with their zygote, but each death is the kernel's to carry out, one
after the other, and on a busy machine that takes its time. So the supervisor is the one to whom the orphans of all
its descendants come: it buries the dead, and `clear` returns when nobody is left.

Knows: which children are no parts. Does not know what they were. What an ordinary user's agent left in other users'
names cannot be killed from here, and need not be: it has asked the kernel to die with its parent.

Source: prctl(2), PR_SET_CHILD_SUBREAPER; proc_pid_task(5), `children`.
"""

import asyncio
import contextlib
import ctypes
import os
import signal
from collections.abc import Callable
from pathlib import Path

import structlog

from lambent.clock import Clock

PR_SET_CHILD_SUBREAPER = 36
LOOK_AGAIN_S = 0.005
# For the dead, not for the living: who is looked for has been killed. Seen on a machine with 30 times the work that
# it can do: above 1 s. What is still there then hangs in the kernel, on a file system that does not answer say.
PATIENCE_S = 15.0

log = structlog.get_logger()


class Orphans:
    """Those of this process. `parts` tells the children that are waited for elsewhere; while one is being started its
    number is not known yet, so `starting` is held then."""

    def __init__(self, parts: Callable[[], set[int]], clock: Clock) -> None:
        self.starting = asyncio.Lock()
        self._parts, self._clock = parts, clock
        self._news = asyncio.Event()

    def adopt(self) -> None:
        """From here on they come to us; called in the main thread."""
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        asyncio.get_running_loop().add_signal_handler(signal.SIGCHLD, self._news.set)

    async def run(self) -> None:
        """Bury whoever has died, for ever."""
        while True:
            await self._news.wait()
            self._news.clear()
            async with self.starting:
                bury(self._found())

    async def clear(self, limit_s: float = PATIENCE_S) -> None:
        """Kill them all and bury them, and those who come in their place."""
        deadline_s = self._clock.monotonic_s() + limit_s
        while True:
            async with self.starting:
                left = self._found()
                kill(left)
                left = bury(left) | self._found()
            if not left:
                return
            if self._clock.monotonic_s() > deadline_s:
                log.error("what a part had started does not die", action="supervisor.orphans", pids=sorted(left))
                return
            await self._clock.sleep(LOOK_AGAIN_S)

    def _found(self) -> set[int]:
        return children() - self._parts()


def children() -> set[int]:
    """Every child of this process, also those that are dead and not buried."""
    found: set[int] = set()
    for thread in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):  # the thread has ended
            found.update(map(int, (thread / "children").read_text().split()))
    return found


def kill(pids: set[int]) -> None:
    """Ask the kernel to end them, where it lets us."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def bury(pids: set[int]) -> set[int]:
    """Take the dead among them out of the list of processes; who lives."""
    return {pid for pid in pids if not _buried(pid)}


def _buried(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True
