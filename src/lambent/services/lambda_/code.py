"""The code of functions on this node: kept as blobs, unpacked once into a folder by digest.

An unpacked folder is made beside its place, synced and renamed: under its own name it is whole or
absent. It can always be made again from the blob, and is, when somebody asks for it.

Rules for collection, so that nothing that is needed goes away:
- a package is kept while a version refers to it, while a caller holds it (from before its row is
  written until after its version is), while an environment has it mounted, and for a while after
  it was last asked for, because an environment may be on its way to it;
- collecting and taking hold exclude one another.
"""

import asyncio
import ctypes
import os
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

import structlog

from lambent.clock import Clock
from lambent.services.lambda_ import packages, store
from lambent.services.lambda_.errors import Failed
from lambent.services.lambda_.model import CodeSize
from lambent.services.lambda_.packages import PackageLimits
from lambent.store.api import Blobs, Database

T = TypeVar("T")
THREADS = 2  # inflating is the processor's work; more would only slow the event loop
UNFINISHED = ".unfinished-"
KEPT_AFTER_USE_S = 120.0
log = structlog.get_logger()


class CodeStore:
    """`blobs` and `folder` are this service's alone."""

    def __init__(self, database: Database, blobs: Blobs, folder: Path, limits: PackageLimits, clock: Clock) -> None:
        self._database, self._blobs, self._folder = database, blobs, folder
        self._limits, self._clock = limits, clock
        self._threads = ThreadPoolExecutor(THREADS, "code")
        self._unpacking: dict[str, asyncio.Task[None]] = {}
        self._held: Counter[str] = Counter()
        self._used_s: dict[str, float] = {}
        self._collecting = asyncio.Lock()

    async def start(self) -> None:
        """Make the folder, and sweep what a killed process left half unpacked."""
        await self._in_thread(lambda: _prepare(self._folder))

    async def close(self) -> None:
        """Wait for what is being unpacked."""
        await asyncio.gather(*self._unpacking.values(), return_exceptions=True)
        await asyncio.to_thread(self._threads.shutdown)

    async def check(self, data: bytes) -> CodeSize:
        """Whether `data` is an acceptable package. Raises InvalidParameter, TooLarge."""
        return await self._in_thread(lambda: packages.check(data, self._limits))

    @asynccontextmanager
    async def kept(self, data: bytes) -> AsyncIterator[CodeSize]:
        """Check and keep a package, which stays until a version that refers to it is committed inside."""
        size = await self.check(data)
        async with self.held([size.digest]):
            await self._database.write(lambda tx: store.remember_code(tx, size))
            await self._blobs.put(data)
            yield size

    @asynccontextmanager
    async def held(self, digests: Collection[str]) -> AsyncIterator[None]:
        """Let nobody collect these packages meanwhile."""
        async with self._collecting:
            self._held.update(digests)
        try:
            yield
        finally:
            self._held.subtract(digests)
            self._held += Counter()  # drops what has come down to zero

    async def read(self, digest: str) -> bytes:
        """The package as it was uploaded. Raises KeyError."""
        return await self._blobs.get(digest)

    async def ensure_unpacked(self, *digests: str) -> None:
        """Return once each package lies in its folder. Raises Failed when one cannot be put there."""
        for digest in digests:
            await self._ensure(digest)

    async def _ensure(self, digest: str) -> None:
        self._used_s[digest] = self._clock.monotonic_s()
        if (self._folder / digest).is_dir():
            return
        task = self._unpacking.get(digest)
        if task is None:
            task = self._unpacking[digest] = asyncio.create_task(self._unpack(digest))
            task.add_done_callback(lambda _: self._unpacking.pop(digest, None))
        await asyncio.shield(task)  # others may wait for it too

    async def collect(self, in_use: Collection[str]) -> list[str]:
        """Delete the packages that nobody needs (`in_use`: those that environments have mounted)."""
        async with self._collecting:
            soon_s = self._clock.monotonic_s() - KEPT_AFTER_USE_S
            self._used_s = {digest: at_s for digest, at_s in self._used_s.items() if at_s > soon_s}
            needed = {*in_use, *self._used_s, *self._held, *self._unpacking}
            unused = sorted(await self._database.read(store.unused_code) - needed)
            for digest in unused:
                await self._in_thread(partial(_remove, self._folder, digest))
                await self._blobs.delete(digest)
                await self._database.write(partial(store.forget_code, digest=digest))
        return unused

    async def _unpack(self, digest: str) -> None:
        try:
            data = await self._blobs.get(digest)
            await self._in_thread(lambda: _unpack(data, self._limits, self._folder, digest))
        except (KeyError, OSError) as error:
            log.error("code cannot be unpacked", action="code.unpack", digest=digest, error=repr(error))
            raise Failed(f"The function's code could not be unpacked: {error}") from error

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def _prepare(folder: Path) -> None:
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    for leftover in folder.glob(f"{UNFINISHED}*"):
        shutil.rmtree(leftover)


def _unpack(data: bytes, limits: PackageLimits, folder: Path, digest: str) -> None:
    unfinished = folder / f"{UNFINISHED}{digest}"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    try:
        packages.unpack(data, limits, unfinished)
        _sync_file_system(folder)
        unfinished.rename(folder / digest)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


def _remove(folder: Path, digest: str) -> None:
    """Under another name first, so that what a killed process leaves is not taken for the whole."""
    if (folder / digest).is_dir():
        leaving = folder / f"{UNFINISHED}{digest}"
        (folder / digest).rename(leaving)
        shutil.rmtree(leaving)


def _sync_file_system(folder: Path) -> None:
    """One call for all files of a package, where a sync for each takes seconds (syncfs(2))."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(descriptor):
            raise OSError(ctypes.get_errno(), "syncfs failed", str(folder))
    finally:
        os.close(descriptor)
