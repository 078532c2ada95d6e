"""The way from the host into the base root: what an agent's child runs before it is a zygote.

It builds the file system that every environment of one interpreter shares, steps into it for
good, and becomes that interpreter. Which folders are in it is decided by `sandbox.base_root`,
which sends a plan; here are only the hands. After `pivot_into` nothing of the host is reachable
that the plan did not bind, read-only.

Run by the host's own interpreter with the request socket as descriptor 3. Standard library only.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import stat
from collections.abc import Callable
from typing import Any

from . import walls

REQUESTS = 3
PLAN_BYTES = 256 * 1024


def build(root: str, steps: list[list[Any]]) -> None:
    """Carry out `steps`, each a verb and its arguments, with every path below `root`."""
    for verb, path, *arguments in steps:
        _VERBS[verb](root + path, *arguments)


def _tmpfs(path: str, options: str) -> None:
    os.makedirs(path, exist_ok=True)
    walls.mount("tmpfs", path, "tmpfs", walls.MS_NOSUID, options)


def _folder(path: str, mode: int) -> None:
    os.makedirs(path, exist_ok=True)
    os.chmod(path, mode)


def _text(path: str, content: str) -> None:
    with open(path, "w") as file:
        file.write(content)
    os.chmod(path, 0o644)


def _copy(path: str, source: str) -> None:
    with open(source, "rb") as original, open(path, "wb") as file:
        file.write(original.read())
    os.chmod(path, 0o644)


def _link(path: str, target: str) -> None:
    os.symlink(target, path)


def _node(path: str, major: int, minor: int) -> None:
    os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(major, minor))
    os.chmod(path, 0o666)  # noqa: S103 - null, zero and their like


def _bind(path: str, source: str) -> None:
    if os.path.isdir(source):
        os.makedirs(path, exist_ok=True)
    elif not os.path.exists(path):
        _text(path, "")
    try:
        walls.bind_read_only(source, path)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        # A user namespace may not look under what the host has mounted below the folder.
        walls.bind_whole(source, path)
        walls.set_read_only_below(path)


def _lend(path: str, source: str, host_root: bool) -> None:
    """A folder for the functions that mount it; what the function may do with it is `file_system`'s to say."""
    os.makedirs(path)
    if host_root:
        walls.mount(source, path, flags=walls.MS_BIND)
    else:  # a user namespace may not look under what the host has mounted below the folder
        walls.bind_whole(source, path)


def _device(path: str, source: str) -> None:
    """The host's own node, where we may make none."""
    _text(path, "")
    walls.bind_device(source, path)


def _process_files(path: str) -> None:
    """The host's /proc, which a user namespace must see whole before it may mount one of its own."""
    os.makedirs(path)
    walls.bind_whole("/proc", path)


def _mask(path: str) -> None:
    """Show an empty folder instead of what is there."""
    walls.mount("none", path, "tmpfs", walls.MS_RDONLY | walls.MS_NOSUID | walls.MS_NODEV, "size=4k,mode=755")


def _seal(path: str, flags: int) -> None:
    walls.mount("none", path, flags=walls.MS_REMOUNT | walls.MS_BIND | walls.MS_RDONLY | walls.MS_NOSUID | flags)


_VERBS: dict[str, Callable[..., None]] = {
    "tmpfs": _tmpfs,
    "folder": _folder,
    "text": _text,
    "copy": _copy,
    "link": _link,
    "node": _node,
    "device": _device,
    "process_files": _process_files,
    "bind": _bind,
    "lend": _lend,
    "mask": _mask,
    "seal": _seal,
}


def main() -> None:
    """Receive the plan, build, step in, and become the zygote."""
    requests = socket.socket(fileno=REQUESTS)
    message, descriptors, _, _ = socket.recv_fds(requests, PLAN_BYTES, 8)
    plan = json.loads(message)
    walls.die_with_parent(plan["agent_pid"])
    for descriptor in descriptors:
        os.write(descriptor, b"0")
        os.close(descriptor)
    os.umask(0o022)
    if plan["root"]:
        walls.unshare(walls.CLONE_NEWNS)
        walls.make_mounts_private()
        build(plan["root"], plan["steps"])
        walls.pivot_into(plan["root"])
    os.set_inheritable(REQUESTS, True)
    os.execve(plan["command"][0], plan["command"], plan["variables"])  # noqa: S606
