"""Blobs as files, named by the SHA-256 of what they hold.

A blob is written under a temporary name, synced, renamed, and its folder synced: under its own
name it is either whole or absent, at any moment of any crash. Blobs lie in `ab/cd/abcd...`, so
that no folder grows large. Whoever may write opens with `open_blobs`, one process at a time;
it clears what a killed writer left behind. Knows nothing of what blobs are for, nor who still needs one.
"""

import asyncio
import contextlib
import hashlib
import itertools
import os
import re
import shutil
from pathlib import Path

from lambent.store.durable import sync_folder, write_synced

DIGEST = re.compile(r"[0-9a-f]{64}")
UNFINISHED = "unfinished"


class FileBlobs:
    """Implements `Blobs` in `folder`. Keeping a digest alive while others delete it is the caller's work."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count()

    async def put(self, data: bytes) -> str:
        return await asyncio.to_thread(self._put, data)

    async def get(self, digest: str) -> bytes:
        return await asyncio.to_thread(self._get, digest)

    async def delete(self, digest: str) -> None:
        await asyncio.to_thread(self._delete, digest)

    def path(self, digest: str) -> Path:
        """Where the bytes of `digest` lie. Raises KeyError for what is no digest (never a way out of the folder)."""
        if DIGEST.fullmatch(digest) is None:
            raise KeyError(digest)
        return self._folder / digest[:2] / digest[2:4] / digest

    def _put(self, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        target = self.path(digest)
        if not target.exists():
            _make_folder(target.parent)
            temporary = self._folder / UNFINISHED / f"{os.getpid()}-{next(self._numbers)}"
            write_synced(temporary, data)
            temporary.rename(target)
        sync_folder(target.parent)  # also when it was there: who renamed it may not have come this far
        return digest

    def _get(self, digest: str) -> bytes:
        try:
            return self.path(digest).read_bytes()
        except FileNotFoundError:
            raise KeyError(digest) from None

    def _delete(self, digest: str) -> None:
        target = self.path(digest)
        with contextlib.suppress(FileNotFoundError):
            target.unlink()
            sync_folder(target.parent)


async def open_blobs(folder: Path) -> FileBlobs:
    """The blobs in `folder`, for their one writer: makes the folder, removes unfinished files."""
    await asyncio.to_thread(_prepare, folder)
    return FileBlobs(folder)


def _prepare(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.rmtree(folder / UNFINISHED, ignore_errors=True)
    _make_folder(folder / UNFINISHED)


def _make_folder(folder: Path) -> None:
    """Make `folder` and its parents; each new one is on disk when this returns."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    sync_folder(folder.parent)
