"""Who has a folder: one process at a time, and whoever wants to know whether there is one.

Knows: the lock on one file, which the kernel lets go with the process that took it. Does not know what is in the
folder. Asking takes nothing, so that it is never in the way of a process that begins at that moment: of flock(2) one
learns only by taking.

Source: fcntl(2), "Open file description locks", which last until all copies of the descriptor are closed.
"""

import fcntl
import os
import struct
from pathlib import Path

NAME = "lock"
STRUCT_FLOCK = "hhqqi0q"  # type, whence, start, length (0: all of it), pid (has to be 0)


def hold(folder: Path) -> int:
    """The descriptor that has `folder`, until it is closed.

    Raises:
        BlockingIOError: another process has it.
    """
    lock = os.open(folder / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.fcntl(lock, fcntl.F_OFD_SETLK, _whole())
    except OSError:
        os.close(lock)
        raise
    return lock


def is_held(folder: Path) -> bool:
    """Whether a process has `folder`. Raises PermissionError for those who may not know."""
    try:
        asked = os.open(folder / NAME, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return False
    try:
        found = fcntl.fcntl(asked, fcntl.F_OFD_GETLK, _whole())
    finally:
        os.close(asked)
    kind: int = struct.unpack(STRUCT_FLOCK, found)[0]
    return kind != fcntl.F_UNLCK


def _whole() -> bytes:
    return struct.pack(STRUCT_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
