"""The bytes of a layer on their way: counted, hashed and inflated as they come.

Source: OCI image specification, "Image layer filesystem changeset" (tar, gzip, zstd). Which of them it is, its
first bytes tell, as media types are not always right.
"""

import gzip
import hashlib
import io
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, cast

import zstandard

from lambent.images.api import Layer, invalid

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
LARGEST_WINDOW_BYTES = 128 * 1024 * 1024
DAMAGE = (OSError, EOFError, zlib.error, zstandard.ZstdError)
PIECE_BYTES = 256 * 1024


class Transfer(io.RawIOBase):
    """The pieces of a blob as a file, which counts and hashes them; it has no more bytes than `layer` says."""

    def __init__(self, layer: Layer, pieces: Iterator[bytes], tell: Callable[[int], None]) -> None:
        self._layer, self._pieces, self._tell = layer, pieces, tell
        self._rest = b""
        self._hash, self._bytes = hashlib.sha256(), 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._took(piece)
        count = min(len(buffer), len(self._rest))
        buffer[:count], self._rest = self._rest[:count], self._rest[count:]
        return count

    def _took(self, piece: bytes) -> None:
        self._rest, self._bytes = piece, self._bytes + len(piece)
        if self._bytes > self._layer.size_bytes:
            raise invalid(f"the layer {self._layer.digest} is larger than its manifest says")
        self._hash.update(piece)
        self._tell(len(piece))

    def check(self) -> None:
        """All of it has been read: whether it is what the manifest names. Raises ImageError."""
        while self.read(PIECE_BYTES):
            pass
        found = f"sha256:{self._hash.hexdigest()}"
        if found != self._layer.digest:
            raise invalid(f"what came as the layer {self._layer.digest} is {found}")


class Inflated(io.RawIOBase):
    """The tar inside a transfer: hashed, and no longer than `most_bytes`."""

    def __init__(self, transfer: Transfer, diff_id: str, most_bytes: int) -> None:
        self._inner = _inflating(io.BufferedReader(transfer, PIECE_BYTES))
        self._diff_id, self._left = diff_id, most_bytes
        self._hash = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes. Raises ImageError."""
        try:
            data = self._inner.read(PIECE_BYTES if size < 0 else size)
        except DAMAGE as error:
            raise invalid(f"a layer cannot be inflated: {error}") from error
        self._left -= len(data)
        if self._left < 0:
            raise invalid("it is too large unpacked")
        self._hash.update(data)
        return data

    def check(self) -> None:
        """The same for the tar, which the image's configuration names. Raises ImageError."""
        while self.read(PIECE_BYTES):
            pass
        found = f"sha256:{self._hash.hexdigest()}"
        if found != self._diff_id:
            raise invalid(f"the layer that should be {self._diff_id} is {found} unpacked")


def _inflating(raw: io.BufferedReader) -> BinaryIO:
    head = raw.peek(4)[:4]
    if head.startswith(GZIP):
        return cast(BinaryIO, gzip.GzipFile(fileobj=raw))
    if head == ZSTD:
        inflater = zstandard.ZstdDecompressor(max_window_size=LARGEST_WINDOW_BYTES)
        return cast(BinaryIO, inflater.stream_reader(raw, read_across_frames=True))
    return raw
