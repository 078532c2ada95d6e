"""Checksums that S3 knows: while bytes pass, and of a whole from those of its parts.

Knows: the algorithms and their names. Does not know where the bytes come from or what is compared.

Sources: S3 User Guide, "Checking object integrity in Amazon S3"; CRCs are big-endian in base64. A checksum of
type FULL_OBJECT is of all bytes; COMPOSITE is the checksum of the parts' checksums, with `-` and their number.
The CRCs are anycrc's, because Python has neither CRC32C nor CRC64NVME, and none that can be put together from those
of the parts.
"""

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Iterable
from typing import Protocol

from anycrc import Model

CRCS = {"CRC32": 4, "CRC32C": 4, "CRC64NVME": 8}
MODELS = {"CRC32": "CRC32", "CRC32C": "CRC32-ISCSI", "CRC64NVME": "CRC64-NVME"}
HASHES = {"MD5": "md5", "SHA1": "sha1", "SHA256": "sha256", "SHA512": "sha512"}
ALGORITHMS = (*CRCS, *HASHES)
DEFAULT = "CRC64NVME"
FULL, COMPOSITE = "FULL_OBJECT", "COMPOSITE"


class Running(Protocol):
    """A checksum of what has passed so far."""

    def update(self, data: bytes, /) -> None:
        """More has passed."""

    def digest(self) -> bytes:
        """The checksum."""


class Crc:
    """A running CRC."""

    def __init__(self, algorithm: str) -> None:
        self._model = Model(MODELS[algorithm])
        self._width, self._value = CRCS[algorithm], 0

    def update(self, data: bytes, /) -> None:
        self._value = self._model.calc(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._width, "big")


def running(algorithm: str) -> Running:
    """A new one. Raises KeyError for an algorithm that is not among ALGORITHMS."""
    if algorithm in CRCS:
        return Crc(algorithm)
    return hashlib.new(HASHES[algorithm], usedforsecurity=False)


def text_of(checksum: Running) -> str:
    """As headers carry it."""
    return b64encode(checksum.digest()).decode()


def is_wellformed(algorithm: str, text: str) -> bool:
    """Whether `text` could be such a checksum."""
    try:
        return len(b64decode(text, validate=True)) == len(running(algorithm).digest())
    except ValueError:
        return False


def composite(algorithm: str, parts: Iterable[str]) -> str:
    """The checksum of the parts' checksums."""
    whole, count = running(algorithm), 0
    for count, part in enumerate(parts, 1):  # noqa: B007
        whole.update(b64decode(part))
    return f"{text_of(whole)}-{count}"


def full(algorithm: str, parts: Iterable[tuple[str, int]]) -> str:
    """The CRC of a whole, from the CRCs and lengths of its parts. Raises KeyError for what is no CRC."""
    width, value = CRCS[algorithm], 0
    model = Model(MODELS[algorithm])
    for text, length in parts:
        value = model.combine(value, int.from_bytes(b64decode(text), "big"), length)
    return b64encode(value.to_bytes(width, "big")).decode()
