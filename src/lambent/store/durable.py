"""The two steps that make a new file outlive a power cut: its bytes are synced, then its folder."""

import ctypes
import os
from pathlib import Path


def write_synced(path: Path, data: bytes) -> None:
    """A new file with mode 0600, its bytes on disk. Raises FileExistsError."""
    with open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """What was added to, renamed in or removed from `folder` is on disk when this returns."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file_system(folder: Path) -> None:
    """One call for all files of a tree, where a sync for each takes seconds (syncfs(2)). Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(descriptor):
            raise OSError(ctypes.get_errno(), "syncfs failed", str(folder))
    finally:
        os.close(descriptor)
