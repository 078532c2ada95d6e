"""The process of a runtime that is not Python's: a program of ours in the language's own interpreter.

Such a program speaks frames on descriptor 3 as any bootstrap does, and reads its assignment from descriptor 4: one
JSON text, {"handler", "initialization_type", "variables", "task_root", "runtime_api"}, up to the end of the pipe. So it
can be started before it is known for which function: it loads what it can, and waits in a read. That is `Early`:
started by the tenant while the sandbox is made, behind the same walls as any function, and given its function when
the folders are mounted. A program may not be able to change its working directory (Java): it shares the tenant's, who
goes to the function's folder when that is mounted, over the empty one in which the program has started. Where its
variables or its command need the function's own folders it is started when these stand (`become`): with "variables"
null, as it has them already, and perhaps more that the function's wrapper has set.

The tenant is its parent. Once the function is assigned the tenant goes, and `init` takes the process over as the
runtime; with external extensions their supervisor keeps it.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
from typing import TYPE_CHECKING, Any

from . import rights, supervisor, walls

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import NoReturn

ASSIGNMENT = 4
TASK_ROOT = "/var/task"


class Early:
    """A started program that waits for its function."""

    def __init__(self, pid: int, assignment: int) -> None:
        self.pid, self._assignment = pid, assignment

    @classmethod
    def start(cls, request: dict[str, Any], filters: list[bytes], descriptors: list[int]) -> Early:
        """Start the program that `request` names; it loses every right on its way."""
        read, write = map(rights.raised, os.pipe())
        pid = walls.fork_sharing_folder()
        if pid:
            os.close(read)
            return cls(pid, write)
        try:
            os.setsid()
            kernel_settings = rights.open_kernel_settings()
            rights.take_descriptors(*descriptors, for_program=True)
            rights.set_limits(request["file_descriptors"])
            if request["walls"]:
                os.chdir(TASK_ROOT)
                rights.let_go(request, shared=request["shared_uid"], kernel_settings=kernel_settings)
            rights.close_the_door(filters if request["walls"] else [])
            _execute(request["boot"]["command"], request["boot"]["variables"], read)
        except OSError as error:
            os.write(2, f"The runtime cannot be started: {error}\n".encode())
        finally:
            os._exit(1)

    def require(self) -> None:
        """Nothing, while it waits. Raises OSError: it has ended."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid:
            raise OSError(f"the program that waited for a function has ended with {os.waitstatus_to_exitcode(status)}")

    def be_nice(self, niceness: int) -> None:
        """All its threads: they are what the kernel schedules."""
        for thread in os.listdir(f"/proc/{self.pid}/task"):
            with contextlib.suppress(ProcessLookupError):  # it has ended
                os.setpriority(os.PRIO_PROCESS, int(thread), niceness)

    def assign(self, spec: dict[str, Any], port: int) -> None:
        """It is the function's from here on."""
        os.write(self._assignment, _assignment(spec, port))
        os.close(self._assignment)

    def keep_at(self, number: int) -> None:
        """Our end of its pipe has this number from now on."""
        os.dup2(self._assignment, number, inheritable=False)
        self._assignment = number

    def kill(self) -> None:
        """Nobody needs it."""
        os.kill(self.pid, signal.SIGKILL)


def become(spec: dict[str, Any], port: int) -> NoReturn:
    """Replace this process, whose rights are gone, by the program of `spec`, with its assignment waiting."""
    read, write = os.pipe()
    os.write(write, _assignment({**spec, "variables": None}, port))
    os.close(write)
    command = supervisor.wrapped(spec["wrapper"], spec["boot"]["command"])
    try:
        os.set_inheritable(rights.CHANNEL, True)
        _execute(command, {**spec["boot"]["variables"], **os.environ}, read)
    except OSError as error:
        os.write(2, f"The runtime cannot be started: {error}\n".encode())
    os._exit(1)


def _assignment(spec: dict[str, Any], port: int) -> bytes:
    told = {name: spec[name] for name in ("handler", "initialization_type", "variables", "task_root")}
    return json.dumps({**told, "runtime_api": f"127.0.0.1:{port}" if port else ""}).encode()


def _execute(command: list[str], variables: Mapping[str, str], assignment: int) -> NoReturn:
    os.dup2(assignment, ASSIGNMENT)
    os.set_inheritable(ASSIGNMENT, True)  # also where it had that number
    walls.close_from(ASSIGNMENT + 1)
    supervisor.execute(command[0], command, variables)
