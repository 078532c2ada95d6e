"""Small secrets in files of their own: made once, readable by their owner only, whole or not at all."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from lambent.errors import Hopeless
from lambent.store.durable import sync_folder, write_synced


class NotOurs(Hopeless, PermissionError):
    """A secret that others may read, or that we may not."""


def read_or_make(path: Path, make: Callable[[], bytes]) -> bytes:
    """The bytes at `path`; what `make` gives, kept there with mode 0600, when there are none.

    Durable when it returns: the file is written beside its place, synced, and linked there, so
    that of two processes that start at once both get what the first one made.

    Raises:
        NotOurs: others may read the file, or we may not.
    """
    with contextlib.suppress(FileNotFoundError):
        return _read(path)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.unlink(missing_ok=True)  # what a process with our pid left when it was killed
    write_synced(beside, make())
    try:
        with contextlib.suppress(FileExistsError):
            os.link(beside, path)
    finally:
        beside.unlink()
    sync_folder(path.parent)
    return _read(path)


def _read(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except PermissionError:
        raise NotOurs(f"{path} cannot be read: give it to the user who runs this, with mode 600") from None
    if path.stat().st_mode & 0o077:
        raise NotOurs(f"{path} holds a secret and others may read it: run `chmod 600 {path}`")
    return data
