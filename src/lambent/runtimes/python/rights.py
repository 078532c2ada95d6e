"""Letting go: what a process of a sandbox does before function code runs in it.

Knows: the order. Descriptors take their places, limits are set, then every right goes, and at last the filter
closes the door. Used by whoever becomes the runtime: `tenant`, and `guest` for what is not Python.
"""

from __future__ import annotations

import fcntl
import os
import resource
from typing import Any

from . import walls

CHANNEL = 3
ABOVE = 64  # where nothing is put in its place


def raised(descriptor: int) -> int:
    """The same under a number that `take_descriptors` does not use, not inherited by an exec."""
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, ABOVE)
    os.close(descriptor)
    return moved


def take_descriptors(channel: int, output: int, *, for_program: bool = False) -> None:
    """0 is empty, 1 and 2 are the output pipe, 3 is the channel (inherited by an exec only `for_program`), no more."""
    channel, output = (fcntl.fcntl(each, fcntl.F_DUPFD_CLOEXEC, ABOVE) for each in (channel, output))
    nothing = fcntl.fcntl(os.open("/dev/null", os.O_RDONLY), fcntl.F_DUPFD_CLOEXEC, ABOVE)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.dup2(channel, CHANNEL, inheritable=for_program)


def set_limits(file_descriptors: int) -> None:
    """Those that the kernel keeps for each process."""
    walls.limit(resource.RLIMIT_NOFILE, file_descriptors)
    walls.limit(resource.RLIMIT_CORE, 0)
    walls.limit(resource.RLIMIT_MEMLOCK, 64 * 1024)


def let_go(request: dict[str, Any], *, shared: bool) -> None:
    """Every right."""
    if shared:
        walls.enter_user_namespace(request["uid"])
        walls.drop_bounding_set()  # a new namespace begins with a full one
        _limit_processes(request)
    else:
        _limit_processes(request)
        walls.become(request["uid"])
    walls.drop_capabilities()


def _limit_processes(request: dict[str, Any]) -> None:
    """Only where no control group does: the kernel counts for each uid of the host, or of a user namespace (so it comes
    last), and a neighbour of that uid, such as another server's, would count as well."""
    if request["counted_by_uid"]:
        walls.limit(resource.RLIMIT_NPROC, request["processes"])


def close_the_door(filters: list[bytes]) -> None:
    """No right comes back, and no system call but those that functions need."""
    walls.gain_no_privileges()
    for program in filters:
        walls.filter_system_calls(program)
