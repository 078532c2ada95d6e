"""A child process that is a fork of this one, which has loaded everything already.

Knows: how a process with a running event loop forks one that has none, and how its end is waited for. Does not know
what the child is for. Its rules:

- The parent has one thread. What another thread held at a fork, a lock say, nobody would ever let go.
- The child begins in a callback of the loop, not in a task: it belongs to no task of the parent's, and never returns
  there. All that it inherits of the parent's loop is closed by number and left where it lies.
- Until it has taken the parent's signal handlers off, signals wait: they would be told to the parent.
- What a terminal tells all of its processes at once, Ctrl-C and that it is closed, is the parent's to handle. Its child
  overhears it, and does not ignore it: that would be handed down to the programs that it starts.
- It ends by `os._exit`: what was registered for the end of the parent is the parent's.

Source: Python's documentation of `os.fork` and `gc.freeze`; signal(7); pidfd_open(2).
"""

import asyncio
import gc
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterable
from itertools import pairwise

TERMINAL = (signal.SIGINT, signal.SIGHUP)
HANDLED = (signal.SIGTERM, signal.SIGCHLD, *TERMINAL)
STANDARD = (0, 1, 2)
FAILED = 1


class Forked:
    """The parent's side. Made by `fork`."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._ended = asyncio.Event()
        self._descriptor = os.pidfd_open(pid)
        asyncio.get_running_loop().add_reader(self._descriptor, self._bury)

    def _bury(self) -> None:
        asyncio.get_running_loop().remove_reader(self._descriptor)
        os.close(self._descriptor)
        self.returncode = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        self._ended.set()

    async def wait(self) -> int:
        """Its exit code, or the signal that ended it, below zero."""
        await self._ended.wait()
        assert self.returncode is not None
        return self.returncode

    def send(self, number: signal.Signals) -> None:
        """A signal; nothing if it has ended."""
        if self.returncode is None:  # until we bury it, its number is nobody else's
            os.kill(self.pid, number)


async def fork(body: Callable[[], None], kept: Iterable[int] = ()) -> Forked:
    """A child that does `body` and ends; of our descriptors it has the standard ones and those `kept`.

    Raises:
        OSError: the kernel has no process for us.
    """
    loop = asyncio.get_running_loop()
    born: asyncio.Future[Forked] = loop.create_future()
    loop.call_soon(_fork_now, body, (*STANDARD, *kept), born)
    return await born


def _fork_now(body: Callable[[], None], kept: tuple[int, ...], born: asyncio.Future[Forked]) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    gc.freeze()  # what is there stays where it is, so that the child's collections touch, and copy, none of it
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)
    try:
        pid = os.fork()
        if pid == 0:
            _live(body, kept, mask)
        try:
            born.set_result(Forked(pid))
        except OSError:  # no descriptor is left to watch it by
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise
    except OSError as error:
        born.set_exception(error)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _live(body: Callable[[], None], kept: tuple[int, ...], mask: set[int | signal.Signals]) -> None:
    code = FAILED
    try:
        _let_go(kept)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        body()
        code = 0
    except SystemExit as end:  # by who has said why
        code = (isinstance(end.code, int) and end.code) or FAILED
    except BaseException:  # said here, as nobody above is the child's
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _let_go(kept: tuple[int, ...]) -> None:
    signal.set_wakeup_fd(-1)
    for number in HANDLED:
        signal.signal(number, _is_the_parents if number in TERMINAL else signal.SIG_DFL)
    held = sorted({*kept, os.sysconf("SC_OPEN_MAX")})
    for low, high in pairwise(held):
        os.closerange(low + 1, high)


def _is_the_parents(*_: object) -> None:
    """A handler, which a program that is started does not inherit."""
