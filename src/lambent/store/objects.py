"""Objects as files: bytes of any length, written once under a name of their own.

A blob is written under `unfinished/`, synced, renamed, and its folder synced: under its own name it is whole or
absent. Its writer holds a lock (flock) on it until it is told what became of it; so whoever sweeps can tell a blob
that a living process is about to make known from one that a dead process left, in any process, at any time.
Blobs lie in 256 folders by the first two digits of their names.

Each is encrypted with a key of its own (`encryption.py`), which only its writer has: who wants to read it later keeps
that key elsewhere. Pieces without a key are of blobs from before blobs were encrypted.

Knows nothing of buckets, nor who needs which blob. Every call that works runs in a thread.
"""

import asyncio
import contextlib
import fcntl
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from pathlib import Path

from lambent.ids import Ids
from lambent.model.objects import Piece
from lambent.store.durable import sync_folder
from lambent.store.encryption import CHUNK_BYTES, KEY_BYTES, Sealing, opened, sealed_range

UNFINISHED = "unfinished"
READ_BYTES = 512 * 1024
SYNC_EVERY_BYTES = 64 * 1024 * 1024  # so that the last sync of a long file has little left to do
SWEEP_BATCH = 1_000

Known = Callable[[list[str]], Awaitable[set[str]]]


class FileWriting:
    """One blob on its way in; implements `Writing`."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name, self.key = name, os.urandom(KEY_BYTES)  # never from `Ids`: a fake one would give it again
        self._sealing = Sealing(self.key)
        self._folder, self._unsynced_bytes = folder, 0
        self._path = folder / UNFINISHED / name
        self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)

    async def write(self, data: bytes) -> None:
        await asyncio.to_thread(self._write, data)

    async def finish(self) -> None:
        await asyncio.to_thread(self._finish)

    async def discard(self) -> None:
        await asyncio.to_thread(self._discard)

    def release(self) -> None:
        os.close(self._file)

    def _write(self, data: bytes) -> None:
        self._append(self._sealing.update(data))

    def _append(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._file, view) :]
        self._unsynced_bytes += len(data)
        if self._unsynced_bytes >= SYNC_EVERY_BYTES:
            os.fdatasync(self._file)
            self._unsynced_bytes = 0

    def _finish(self) -> None:
        self._append(self._sealing.finish())
        os.fsync(self._file)
        target = place_of(self._folder, self.name)
        self._path.rename(target)
        self._path = target
        sync_folder(target.parent)

    def _discard(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()


class FileObjects:
    """Implements `Objects` in `folder`, in as many processes of a machine as like."""

    def __init__(self, folder: Path, ids: Ids) -> None:
        self._folder, self._ids = folder, ids

    async def begin(self) -> FileWriting:
        return await asyncio.to_thread(FileWriting, self._folder, self._ids.hex(32))

    async def read(self, pieces: Sequence[Piece]) -> AsyncIterator[bytes]:
        for piece in pieces:
            if piece.data:
                yield piece.data
                continue
            descriptor = await asyncio.to_thread(os.open, place_of(self._folder, piece.blob), os.O_RDONLY)
            try:
                at, end = piece.offset, piece.offset + piece.length
                while at < end:
                    data = await asyncio.to_thread(_read_at, descriptor, piece, at, min(end, at + READ_BYTES))
                    at += len(data)
                    yield data
            finally:
                os.close(descriptor)

    async def delete(self, names: Iterable[str]) -> None:
        await asyncio.to_thread(_delete, [place_of(self._folder, name) for name in names])

    async def sweep(self, known: Known, before_s: float) -> int:
        removed = 0
        for folder in await asyncio.to_thread(lambda: sorted(self._folder.iterdir())):
            names = await asyncio.to_thread(os.listdir, folder)
            for at in range(0, len(names), SWEEP_BATCH):
                some = names[at : at + SWEEP_BATCH]
                suspects = sorted(set(some) - await known(some))
                removed += await self._sweep_some(folder, suspects, known, before_s)
        return removed

    async def _sweep_some(self, folder: Path, suspects: list[str], known: Known, before_s: float) -> int:
        locked = await asyncio.to_thread(_lock_abandoned, folder, suspects, before_s)
        try:
            # Asked again behind the lock: its writer may have made it known and gone between the two.
            kept = await known(list(locked)) if locked else set()
            gone = [folder / name for name in locked if name not in kept]
            await asyncio.to_thread(_delete, gone)
        finally:
            for descriptor in locked.values():
                os.close(descriptor)
        return len(gone)


def _read_at(descriptor: int, piece: Piece, begin: int, end: int) -> bytes:
    """Some of the bytes from there on, up to `end`."""
    if piece.key:
        first, last = sealed_range(begin, end)
        sealed = os.pread(descriptor, last - first, first)
        try:
            data = opened(piece.key, sealed, first)[begin % CHUNK_BYTES :][: end - begin]
        except ValueError as error:
            raise OSError(f"blob {piece.blob} is damaged: {error}") from None
    else:
        data = os.pread(descriptor, end - begin, begin)
    if not data:
        raise OSError(f"blob {piece.blob} is shorter than it should be")
    return data


def place_of(folder: Path, name: str) -> Path:
    """Where a blob lies. Raises KeyError for what is no name of a blob (never a way out of the folder)."""
    if len(name) != 32 or not name.isalnum():
        raise KeyError(name)
    return folder / name[:2] / name


def open_objects(folder: Path, ids: Ids) -> FileObjects:
    """The objects in `folder`, which is made."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in (UNFINISHED, *(f"{number:02x}" for number in range(256))):
        (folder / name).mkdir(mode=0o700, exist_ok=True)
    sync_folder(folder)
    sync_folder(folder.parent)
    return FileObjects(folder, ids)


def _lock_abandoned(folder: Path, names: Iterable[str], before_s: float) -> dict[str, int]:
    """Those last written to before then, whose writer lives no more, with descriptors that hold their locks."""
    locked = {}
    for name in names:
        try:
            descriptor = os.open(folder / name, os.O_RDONLY)
        except FileNotFoundError:
            continue
        try:
            if os.fstat(descriptor).st_mtime >= before_s:
                raise BlockingIOError
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            locked[name] = descriptor
        except BlockingIOError:
            os.close(descriptor)
    return locked


def _delete(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
