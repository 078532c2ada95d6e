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
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import structlog

from lambent.clock import Clock
from lambent.images.api import ImageError, Progress
from lambent.services.lambda_ import packages, store
from lambent.services.lambda_.api import Images
from lambent.services.lambda_.errors import Failed
from lambent.services.lambda_.images import ImageFailed, refused
from lambent.services.lambda_.model import CodeSize, ImageUse, Version
from lambent.services.lambda_.packages import PackageLimits
from lambent.store.api import Blobs, Database
from lambent.store.durable import sync_file_system

T = TypeVar("T")
THREADS = 2  # inflating is the processor's work; more would only slow the event loop
UNFINISHED = ".unfinished-"
KEPT_AFTER_USE_S = 120.0
log = structlog.get_logger()


class CodeStore:
    """`blobs` and `folder` are this service's alone."""

    def __init__(
        self, database: Database, blobs: Blobs, folder: Path, limits: PackageLimits, images: Images, clock: Clock
    ) -> None:
        self._database, self._blobs, self._folder = database, blobs, folder
        self._limits, self._images, self._clock = limits, images, clock
        self._threads = ThreadPoolExecutor(THREADS, "code")
        self._unpacking: dict[str, asyncio.Task[None]] = {}
        self._pulling: set[asyncio.Task[None]] = set()
        self._held: Counter[str] = Counter()
        self._used_s: dict[str, float] = {}
        self._collecting = asyncio.Lock()

    async def start(self) -> None:
        """Make the folder, and sweep what a killed process left half unpacked."""
        await self._in_thread(lambda: _prepare(self._folder))

    async def close(self) -> None:
        """Wait for what is being unpacked; what is being pulled ends here, and is begun anew when it is needed."""
        for task in self._pulling:
            task.cancel()
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

    async def image(self, uri: str, architecture: str) -> ImageUse:
        """The image behind `uri` now. Raises InvalidParameter, AccessDenied, Failed."""
        try:
            found = await self._images.resolve(uri, architecture)
        except ImageError as error:
            raise refused(uri, error) from error
        return ImageUse(uri, found.uri, found.image.settings)

    def progress(self, version: Version) -> Progress | None:
        """How far the pull of the image is that the version waits for."""
        use = version.coming or version.image
        return None if use is None else self._images.progress(use.digest)

    async def ensure(self, version: Version) -> None:
        """Return once all that a version runs is unpacked. Raises Failed; ImageFailed for its image."""
        use = version.image
        if use is None:
            await self.ensure_unpacked(*version.packages)
        else:
            await self._ensure(use.digest, lambda: self._pull(use, version.configuration.architecture))

    async def _pull(self, use: ImageUse, architecture: str) -> None:
        task = asyncio.create_task(self._make_root(use, architecture))
        self._pulling.add(task)
        task.add_done_callback(self._pulling.discard)
        await task

    async def _make_root(self, use: ImageUse, architecture: str) -> None:
        try:
            await self._images.make_root(use.resolved_uri, use.digest, architecture)
        except ImageError as error:
            raise ImageFailed(use.uri, error) from error
        except OSError as error:
            log.error("an image cannot be pulled", action="code.pull", image=use.resolved_uri, error=repr(error))
            raise Failed(f"The function's image could not be unpacked: {error}") from error
        self._used_s[use.digest] = self._clock.monotonic_s()

    async def ensure_unpacked(self, *digests: str) -> None:
        """Return once each package lies in its folder. Raises Failed when one cannot be put there."""
        for digest in digests:
            await self._ensure(digest, partial(self._unpack, digest))

    async def _ensure(self, digest: str, make: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._used_s[digest] = self._clock.monotonic_s()
        if (self._folder / digest).is_dir():
            return
        task = self._unpacking.get(digest)
        if task is None:
            task = self._unpacking[digest] = asyncio.create_task(make())
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
            await self._images.collect(await self._database.read(store.known_code))
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
        sync_file_system(folder)
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
