"""Log events packed into chunks: msgpack, lightly compressed. Pure.

A chunk holds events of one stream in the order of their timestamps, and spans at most an hour.
Compression is zlib's fastest level: repetitive log text shrinks to a tenth even so, and it is
paid for at the rate of the invocations.
"""

import zlib
from collections.abc import Iterator

import msgspec
from msgspec import Struct

LONGEST_SPAN_MS = 3_600_000
Event = tuple[int, str]
"""Epoch milliseconds, and the message."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Event]).decode


class Chunk(Struct, frozen=True):
    """Events ready to be stored. `stored_bytes` is what they count for: their size unpacked."""

    first_ms: int
    last_ms: int
    event_count: int
    stored_bytes: int
    body: bytes


def pack(events: list[Event]) -> Iterator[Chunk]:
    """The chunks for `events` of one stream, which come in any order; those of one moment keep theirs."""
    ordered = sorted(events, key=_moment)
    while ordered:
        end_ms = ordered[0][0] + LONGEST_SPAN_MS
        count = len(ordered) if ordered[-1][0] <= end_ms else sum(1 for at_ms, _ in ordered if at_ms <= end_ms)
        body = _encode(ordered[:count])
        yield Chunk(ordered[0][0], ordered[count - 1][0], count, len(body), zlib.compress(body, 1))
        ordered = ordered[count:]


def unpack(body: bytes) -> list[Event]:
    """The events of a chunk."""
    return _decode(zlib.decompress(body))


def _moment(event: Event) -> int:
    return event[0]
