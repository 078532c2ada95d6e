"""The function's file system: a folder that the operator lends, shown at /mnt/NAME.

Run by `tenant` while it still has rights, with what `doorway` has put aside below the hidden folder. A mount of the
function's own is made of it: no devices, no gain of rights by a set-user-id bit, and, where that may be (`mapped`),
with the environment's uid shown as the folder's owner and nobody else's files as the function's (an idmapped mount,
Linux 5.12). What the kernel cannot map (NFS, FUSE) is mounted as it is. No way leads out of it: the rest of the host is
not in this mount namespace.

Source: mount_setattr(2), "ID-mapped mounts"; Lambda Developer Guide, "Configuring file system access".
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
from typing import Any

from . import walls

MNT = "/mnt"
UNMAPPABLE = (errno.EINVAL, errno.EOPNOTSUPP)


class NotMounted(Exception):
    """The file system could not be mounted; the words are for the function's author."""


def mount(lent: dict[str, Any], folder: str, uid: int) -> None:
    """Show it. `folder` is where everything that is lent is put aside. Raises NotMounted."""
    try:
        source = walls.open_tree(f"{folder}/{lent['place']}", whole=not lent["mapped"])
        try:
            _restrict(source, lent, uid)
            _make_place(lent["path"])
            walls.move_mount(source, lent["path"])
        finally:
            os.close(source)
        walls.mount("none", MNT, flags=walls.MS_REMOUNT | walls.MS_BIND | walls.MS_RDONLY | _NEVER | walls.MS_NOEXEC)
    except OSError as error:
        raise NotMounted(f"The function couldn't mount its file system at {lent['path']}: {error}") from error


_NEVER = walls.MS_NOSUID | walls.MS_NODEV


def _restrict(source: int, lent: dict[str, Any], uid: int) -> None:
    found, writes = os.fstat(source), not lent["read_only"]
    walls.set_mount(source, _NEVER | (0 if writes else walls.MS_RDONLY))
    if not lent["mapped"]:
        return
    if 0 not in (found.st_uid, found.st_gid):
        with _users(f"{found.st_uid} {uid} 1", f"{found.st_gid} {uid} 1") as users:
            try:
                walls.map_owners(source, users)
            except OSError as error:
                if error.errno not in UNMAPPABLE:
                    raise
    elif writes:
        raise PermissionError(errno.EPERM, "its folder belongs to root")


def _make_place(path: str) -> None:
    walls.mount("tmpfs", MNT, "tmpfs", _NEVER | walls.MS_NOEXEC, "size=4k,mode=755")
    os.mkdir(path)


@contextlib.contextmanager
def _users(uids: str, gids: str) -> Any:
    """A user namespace with these maps, which nobody is in when it is given to the mount."""
    child = walls.fork_into_user_namespace()
    if child == 0:
        while True:
            signal.pause()
    try:
        for name, text in (("uid_map", uids), ("gid_map", gids)):
            with open(f"/proc/{child}/{name}", "w") as file:
                file.write(text)
        users = os.open(f"/proc/{child}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        raise
    os.kill(child, signal.SIGKILL)
    try:
        yield users
    finally:
        os.close(users)
        os.waitpid(child, 0)  # it has died meanwhile
