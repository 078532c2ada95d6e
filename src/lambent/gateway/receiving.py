"""A body that becomes a blob: read in pieces, hashed and written meanwhile, compared with what it should be.

Small ones stay in memory: their bytes go to control with the request, whose commit keeps them. Memory is constant:
a mebibyte that is being gathered, one that is written, and what the connection holds.

Source: S3 User Guide, "Checking object integrity in Amazon S3"; S3 API reference, PutObject and "Error responses".
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Protocol

from msgspec import structs

from lambent.gateway.promises import BadRequest, Promises, Sums
from lambent.model.objects import Stored
from lambent.protocol import checksums
from lambent.store.api import Objects, Writing

SMALL_BYTES = 16 * 1024
GATHERED_BYTES = 1024 * 1024


class Decoder(Protocol):
    """Takes the bytes of a body out of their framing."""

    def feed(self, data: bytes) -> bytes:
        """What the next bytes carry."""

    def finish(self) -> dict[str, str]:
        """It is over: its trailers."""


class Plain:
    """A body without framing."""

    def feed(self, data: bytes) -> bytes:
        return data

    def finish(self) -> dict[str, str]:
        return {}


class Receiving:
    """One body. Use as a context manager: what was not `taken` is discarded."""

    def __init__(self, objects: Objects, promises: Promises, wanted: Iterable[str] = (checksums.DEFAULT,)) -> None:
        self._objects, self._sums = objects, Sums(promises, wanted)
        self._writing: Writing | None = None
        self._bytes = 0
        self.keep: bool | None = False  # None: who was told may or may not have heard it

    async def __aenter__(self) -> "Receiving":
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._writing is not None:
            try:
                if self.keep is False:
                    await self._writing.discard()
            finally:
                self._writing.release()

    async def take(self, pieces: AsyncIterator[bytes], decoder: Decoder, announced_bytes: int | None) -> Stored:
        """Read it all; it is on disk when this returns. Nobody announces how long the file in a form is.

        Raises:
            ServiceError: it is not as it was to be.
        """
        gathered: list[bytes] = []
        held = 0
        async for piece in pieces:
            data = decoder.feed(piece)
            self._bytes += len(data)
            held += len(data)
            gathered.append(data)
            if held >= GATHERED_BYTES:
                await self._pass(b"".join(gathered))
                gathered, held = [], 0
        trailers = decoder.finish()
        if announced_bytes is not None and self._bytes != announced_bytes:
            raise BadRequest(
                "IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header"
            )
        data = b"".join(gathered)
        if self._writing is None and len(data) <= SMALL_BYTES:
            self._sums.update(data)
            self._sums.compare(trailers)
            return structs.replace(self._stored(), data=data)
        await self._pass(data)
        self._sums.compare(trailers)
        assert self._writing is not None
        await self._writing.finish()
        return structs.replace(self._stored(), blob=self._writing.name, key=self._writing.key)

    async def _pass(self, data: bytes) -> None:
        if self._writing is None:
            self._writing = await self._objects.begin()
        await asyncio.gather(asyncio.to_thread(self._sums.update, data), self._writing.write(data))

    def _stored(self) -> Stored:
        sums = self._sums
        return Stored(self._bytes, sums.md5, sums.texts(), sums.declared)
