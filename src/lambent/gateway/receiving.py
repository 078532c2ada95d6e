"""A body that becomes a blob: read in pieces, hashed and written meanwhile, compared with what it should be.

Small ones stay in memory: their bytes go to control with the request, whose commit keeps them. Memory is constant:
a mebibyte that is being gathered, one that is written, and what the connection holds.

Source: S3 User Guide, "Checking object integrity in Amazon S3"; S3 API reference, PutObject and "Error responses".
"""

import asyncio
import hashlib
import re
from base64 import b64decode
from collections.abc import AsyncIterator, Mapping
from typing import Any, Protocol

from msgspec import Struct

from lambent.errors import NotImplementedByLambent, ServiceError
from lambent.model.http import HttpRequest
from lambent.model.objects import Stored
from lambent.protocol import checksums
from lambent.protocol.checksums import Running
from lambent.store.api import Objects, Writing

SMALL_BYTES = 16 * 1024
GATHERED_BYTES = 1024 * 1024
PREFIX = "x-amz-checksum-"
NOT_ALGORITHMS = frozenset({"algorithm", "mode", "type"})
HEX_SHA256 = re.compile(r"[0-9a-f]{64}")


class BadRequest(ServiceError):
    """The body, or what is said of it, is not as it has to be."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Promises(Struct, frozen=True):
    """What a request says of its body. Checksums by algorithm in base64, "" where a trailer will tell."""

    checksums: Mapping[str, str]
    md5: str = ""
    sha256: str = ""


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


def promises_of(request: HttpRequest) -> Promises:
    """What the headers say. Raises BadRequest, NotImplementedByLambent."""
    named: dict[str, str] = {}
    for name, value in request.headers:
        if name.startswith(PREFIX) and name.removeprefix(PREFIX) not in NOT_ALGORITHMS:
            named[_algorithm(name)] = value
    for name in request.header("x-amz-trailer").lower().split(","):
        if name.strip().startswith(PREFIX):
            named[_algorithm(name.strip())] = ""
    if len(named) > 1:
        raise BadRequest(
            "InvalidRequest", "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
        )
    for algorithm, text in named.items():
        _check_form(algorithm, text)
    wanted = request.header("x-amz-sdk-checksum-algorithm")
    if wanted and not named:
        named[_algorithm(PREFIX + wanted.lower())] = ""
    sha256 = request.header("x-amz-content-sha256")
    return Promises(named, _md5_of(request), sha256 if HEX_SHA256.fullmatch(sha256) else "")


class Receiving:
    """One body. Use as a context manager: what was not `taken` is discarded."""

    def __init__(self, objects: Objects, promises: Promises) -> None:
        self._objects, self._promises = objects, promises
        self._declared = next(iter(promises.checksums), "")
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha256: Any = hashlib.sha256() if promises.sha256 else None
        wanted = {checksums.DEFAULT, self._declared or checksums.DEFAULT}
        self._checksums: dict[str, Running] = {name: checksums.running(name) for name in wanted}
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
            self._hash(data)
            self._compare(trailers)
            return self._stored(data=data)
        await self._pass(data)
        self._compare(trailers)
        assert self._writing is not None
        await self._writing.finish()
        return self._stored(blob=self._writing.name)

    async def _pass(self, data: bytes) -> None:
        if self._writing is None:
            self._writing = await self._objects.begin()
        await asyncio.gather(asyncio.to_thread(self._hash, data), self._writing.write(data))

    def _hash(self, data: bytes) -> None:
        self._md5.update(data)
        if self._sha256 is not None:
            self._sha256.update(data)
        for each in self._checksums.values():
            each.update(data)

    def _compare(self, trailers: Mapping[str, str]) -> None:
        told = self._promises
        if self._sha256 is not None and self._sha256.hexdigest() != told.sha256:
            raise BadRequest(
                "XAmzContentSHA256Mismatch",
                "The provided 'x-amz-content-sha256' header does not match what was computed.",
            )
        if told.md5 and self._md5.hexdigest() != told.md5:
            raise BadRequest("BadDigest", "The Content-MD5 you specified did not match what we received.")
        for algorithm, text in told.checksums.items():
            expected = text or trailers.get(PREFIX + algorithm.lower(), "")
            _check_form(algorithm, expected)
            if expected and expected != checksums.text_of(self._checksums[algorithm]):
                raise BadRequest("BadDigest", f"The {algorithm} you specified did not match the calculated checksum.")

    def _stored(self, *, data: bytes = b"", blob: str = "") -> Stored:
        texts = {name: checksums.text_of(each) for name, each in self._checksums.items()}
        return Stored(self._bytes, self._md5.hexdigest(), texts, self._declared, blob, data)


def _algorithm(header: str) -> str:
    name = header.removeprefix(PREFIX).upper()
    if name not in checksums.ALGORITHMS:
        raise NotImplementedByLambent(
            f"The checksum algorithm {name} is not implemented; use one of {', '.join(checksums.ALGORITHMS)}."
        )
    return name


def _check_form(algorithm: str, text: str) -> None:
    if text and not checksums.is_wellformed(algorithm, text):
        raise BadRequest("InvalidRequest", f"Value for {PREFIX}{algorithm.lower()} header is invalid.")


def _md5_of(request: HttpRequest) -> str:
    text = request.header("content-md5")
    if not text:
        return ""
    try:
        digest = b64decode(text, validate=True)
    except ValueError:
        digest = b""
    if len(digest) != 16:
        raise BadRequest("InvalidDigest", "The Content-MD5 you specified was invalid.")
    return digest.hex()
