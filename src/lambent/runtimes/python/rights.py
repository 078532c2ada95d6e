"""Letting go: what a process of a sandbox does before function code runs in it.

Knows: the order. Descriptors take their places, limits are set, then every right goes, and at last the filter
closes the door. Used by whoever becomes the runtime: `tenant`, and `guest` for what is not Python.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import resource
from typing import Any

from . import walls

CHANNEL = 3
ABOVE = 64  # where nothing is put in its place
# The host's own /proc/sys, to be seen where an ordinary user is the server's, until the privileged steps are over.
KERNEL_SETTINGS = "/.lambent/proc/sys"
# Of the 128 that Linux lets all processes of one user have (inotify(7), max_user_instances), the user's own included.
INOTIFY_INSTANCES, MOST_INOTIFY_INSTANCES = "user/max_inotify_instances", 16


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


def open_kernel_settings() -> int:
    """For `let_go`, from where it can be seen; -1 where it is not needed."""
    try:
        return raised(os.open(KERNEL_SETTINGS, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))
    except FileNotFoundError:
        return -1


def let_go(request: dict[str, Any], *, shared: bool, kernel_settings: int) -> None:
    """Every right. Closes `kernel_settings`."""
    if shared:
        walls.enter_user_namespace(request["uid"])
        walls.drop_bounding_set()  # a new namespace begins with a full one
        _limit_processes(request)
        _limit_inotify(kernel_settings)
    else:
        _limit_processes(request)
        walls.become(request["uid"])
    walls.drop_capabilities()
    if kernel_settings >= 0:
        os.close(kernel_settings)


def _limit_processes(request: dict[str, Any]) -> None:
    """Only where no control group does: the kernel counts for each uid of the host, or of a user namespace (so it comes
    last), and a neighbour of that uid, such as another server's, would count as well."""
    if request["counted_by_uid"]:
        walls.limit(resource.RLIMIT_NPROC, request["processes"])


def _limit_inotify(kernel_settings: int) -> None:
    """In the user namespace that is the environment's own: else one could take what all of the user's share."""
    if kernel_settings < 0:
        return
    with contextlib.suppress(OSError):  # the host does not let anybody set it, or has no inotify
        setting = os.open(INOTIFY_INSTANCES, os.O_WRONLY | os.O_CLOEXEC, dir_fd=kernel_settings)
        try:
            os.write(setting, str(MOST_INOTIFY_INSTANCES).encode())
        finally:
            os.close(setting)


def close_the_door(filters: list[bytes]) -> None:
    """No right comes back, and no system call but those that functions need."""
    walls.gain_no_privileges()
    for program in filters:
        walls.filter_system_calls(program)
