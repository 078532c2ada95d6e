"""Taking frames out of bytes. Pure: knows nothing of files, and of records only their type."""

from typing import NamedTuple
from zlib import crc32

import msgspec

from lambent.journal.api import HEADER, MAX_RECORD_BYTES
from lambent.model.invocation import InvocationRecord

_decode = msgspec.msgpack.Decoder(InvocationRecord).decode


class Parsed(NamedTuple):
    """Whole frames from the start of some bytes.

    `consumed` is their length together. `needed` is the length of the frame that follows, if its
    header is there and its body is not. `damage` says why nothing behind `consumed` can be
    trusted. `unreadable` counts whole frames that are no record of this Lambent's.
    """

    records: list[InvocationRecord]
    consumed: int
    needed: int = 0
    damage: str = ""
    unreadable: int = 0


def parse_frames(data: bytes) -> Parsed:
    """The records of all whole frames at the beginning of `data`."""
    view, at, end = memoryview(data), 0, len(data)
    records: list[InvocationRecord] = []
    unreadable = 0
    while at + HEADER.size <= end:
        length, checksum = HEADER.unpack_from(view, at)
        if not 0 < length <= MAX_RECORD_BYTES:
            return Parsed(records, at, damage=f"a length of {length}", unreadable=unreadable)
        body_at = at + HEADER.size
        if body_at + length > end:
            return Parsed(records, at, needed=HEADER.size + length, unreadable=unreadable)
        body = view[body_at : body_at + length]
        if crc32(body) != checksum:
            return Parsed(records, at, damage="a wrong checksum", unreadable=unreadable)
        try:
            records.append(_decode(body))
        except msgspec.DecodeError:
            unreadable += 1
        at = body_at + length
    return Parsed(records, at, unreadable=unreadable)
