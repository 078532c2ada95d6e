"""Folders that the operator lends to functions: which may be lent, and how one is mounted.

Knows the host's folders by `FileSystem`; asks no function. The mount itself is made inside (`runtimes/python/lent.py`).

A folder of root's is lent for reading only: a function acts as the folder's owner, and what it writes with the bit
set-user-id would, on the host, be a program of root's.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from lambent.file_systems import FileSystem
from lambent.model.environment import Mount
from lambent.sandbox.api import MountFailure
from lambent.sandbox.user_namespace import Standing
from lambent.sandbox.wire import Lent

WHOLE_HOST = Path("/")


def obstacle(file_system: FileSystem, data: Path) -> str | None:
    """Why the folder cannot be lent, and what to do, in a sentence; None when it can."""
    name, path = file_system.name, file_system.path
    if not path.is_dir():
        return f"The file system {name} cannot be lent: there is no folder {path}."
    real, kept = path.resolve(), data.resolve()
    if real in (WHOLE_HOST, kept) or real in kept.parents or kept in real.parents:
        return f"The file system {name} cannot be lent: {path} holds, or is part of, what Lambent keeps for itself."
    found = path.stat()
    if 0 in (found.st_uid, found.st_gid) and os.geteuid() == 0 and not file_system.read_only:
        return (
            f"The file system {name} cannot be lent for writing: {path} belongs to root. Give it to an ordinary user "
            f"and group (chown 1000:1000 {path}), as whom functions then write, or lend it as {name}={path}:ro."
        )
    return None


def lent(mount: Mount, known: Iterable[FileSystem], standing: Standing) -> Lent:
    """How to mount what a function asks for. Raises MountFailure: it is lent no more."""
    for each in known:
        if each.place == mount.place:
            return Lent(each.place, mount.path, each.read_only, mapped=standing.host_root)
    raise MountFailure(
        "The function couldn't mount its file system: this server was started without it (setting file_system)."
    )
