"""The way from the base root into that of a container image, and what is run there.

Run by `tenant`: `step_in` while it still has rights, `become` when it has none. What every environment has of its
own (/proc, /dev, /tmp, the names that /etc/hosts and resolv.conf tell, a file system that is lent) is shown inside the
image's root, whose other files are read-only, without devices and set-user-id bits that mean anything. Then the image's
root is the only one: nothing of the base root can be reached, nor imported, from there on.

The places are real folders and files, because `images.merge` has made them so; it is looked at once more.

Source: Lambda Developer Guide, "Create a Lambda function using a container image" (requirements: /tmp is writable, the
rest is not); the names of the errors are those of the Runtime Interface Emulator.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, Any

from . import supervisor, walls

if TYPE_CHECKING:
    from typing import NoReturn

FOLDERS, FILES = ("/proc", "/dev", "/tmp"), ("/etc/hosts", "/etc/resolv.conf")  # noqa: S108 - each has its own
MNT = "/mnt"
NOT_THERE = (errno.ENOENT, errno.ENOTDIR, errno.EACCES)
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def step_in(source: str, place: str, *, lent: bool) -> None:
    """Make the image at `source` the root, by way of the folder `place`."""
    walls.mount(source, place, flags=walls.MS_BIND)  # read-only like its source
    for name in (*FOLDERS, MNT) if lent else FOLDERS:
        _check(place + name, stat.S_IFDIR)
        walls.bind_whole(name, place + name)
    for name in FILES:
        _check(place + os.path.dirname(name), stat.S_IFDIR)
        _check(place + name, stat.S_IFREG)
        walls.mount(name, place + name, flags=walls.MS_BIND)
    walls.pivot_into(place)


def _check(path: str, kind: int) -> None:
    if stat.S_IFMT(os.lstat(path).st_mode) != kind:
        raise OSError(errno.EINVAL, "not a place of an image", path)


def become(container: dict[str, Any], port: int) -> NoReturn:
    """Become the image's program, in its working directory."""
    folder, command = container["working_directory"], list(container["command"])
    try:
        os.chdir(folder)
    except OSError as error:
        supervisor.fail("Runtime.InvalidWorkingDir", f"chdir {folder}: {_words(error)}", port)
    try:
        _find_and_execute(command)
    except OSError as error:
        supervisor.fail("Runtime.InvalidEntrypoint", f"fork/exec {command[0]}: {_words(error)}", port)


def _find_and_execute(command: list[str]) -> NoReturn:
    """As a shell does: a name without a slash is looked for along PATH."""
    if "/" in command[0]:
        supervisor.execute(command[0], command, os.environ)
    failure = FileNotFoundError(errno.ENOENT, "not found along PATH")
    for folder in (os.environ.get("PATH") or DEFAULT_PATH).split(":"):
        try:
            supervisor.execute(f"{folder or '.'}/{command[0]}", command, os.environ)
        except OSError as error:
            if error.errno not in NOT_THERE:
                raise
            if error.errno == errno.EACCES:
                failure = error  # type: ignore[assignment]
    raise failure


def _words(error: OSError) -> str:
    return os.strerror(error.errno or 0).lower()
