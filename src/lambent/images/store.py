"""The images of this node, for control: what a name leads to, and pulls in processes of their own."""

import asyncio
import sys
from collections.abc import Collection
from pathlib import Path

import msgspec
from msgspec import Struct

from lambent.ids import Ids
from lambent.images import reference, sources
from lambent.images.api import Image, ImageError, Limits, Progress
from lambent.images.pull import leave_nothing
from lambent.images.registry import Registry, RegistrySettings
from lambent.images.shelf import Shelf
from lambent.images.worker import Order, Word

AT_ONCE = 2
LINE_BYTES = 64 * 1024


class Settled(Struct, frozen=True):
    """What a name led to. `uri` ends in the digest."""

    uri: str
    image: Image


class ImageStore:
    """`folder` is the shelf's; `roots` is where roots are made, one folder for each digest, on the same file system."""

    def __init__(self, folder: Path, roots: Path, registries: RegistrySettings, limits: Limits, ids: Ids) -> None:
        self._folder, self._roots, self._registries, self._limits = folder, roots, registries, limits
        self._shelf = Shelf(folder, ids)
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._progress: dict[str, Progress] = {}

    async def resolve(self, uri: str, architecture: str) -> Settled:
        """The image behind `uri` now. Raises ImageError."""
        return await asyncio.to_thread(self._resolve, reference.parse(uri), architecture)

    def _resolve(self, name: reference.Reference, architecture: str) -> Settled:
        if not self._registries.allows(name.host) and (name.local or name.tagged in self._shelf.names()):
            image = self._shelf.image(name.digest) if name.digest else self._shelf.named(name.tagged)
        else:
            image = sources.resolve(Registry(name, self._registries), name.wanted, architecture, self._limits)
        return Settled(name.at(image.digest), image)

    async def make_root(self, uri: str, digest: str, architecture: str) -> None:
        """Have the root of the image that `uri` names by its digest. Raises ImageError, OSError."""
        place = self._roots / digest
        order = Order(uri, architecture, str(self._folder), str(place), self._registries, self._limits)
        async with self._turns:
            try:
                await self._carry_out(order, digest)
            finally:
                self._progress.pop(digest, None)

    async def _carry_out(self, order: Order, digest: str) -> None:
        pipe = asyncio.subprocess.PIPE
        command = (sys.executable, "-m", "lambent.images.worker")
        process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, limit=LINE_BYTES)
        try:
            last = await self._follow(process, order, digest)
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
            await asyncio.to_thread(leave_nothing, Path(order.place))  # it may have been killed
        if last.kind is not None:
            raise ImageError(last.kind, last.error)
        if not last.done:
            raise OSError(last.error or "the process that pulls the image has died")

    async def _follow(self, process: asyncio.subprocess.Process, order: Order, digest: str) -> Word:
        last = Word()
        if process.stdin is None or process.stdout is None:
            return last
        process.stdin.write(msgspec.json.encode(order))
        process.stdin.close()
        async for line in process.stdout:
            last = msgspec.json.decode(line, type=Word)
            if last.progress is not None:
                self._progress[digest] = last.progress
        await process.wait()
        return last

    def progress(self, digest: str) -> Progress | None:
        """How far the pull of this image is; None where it is not being pulled."""
        return self._progress.get(digest)

    async def collect(self, needed: Collection[str]) -> list[str]:
        """Delete what no name and none of `needed` (digests of images) has a use for; which layers went."""
        return await asyncio.to_thread(self._shelf.collect, needed)
