"""Bytes of a channel to frames and back; pure, knows no socket.

The form is told in `api.py`. `FrameReader` takes whatever arrives, in whatever pieces, and is as
strict as the other side is untrusted: what no bootstrap would send raises Garbage, and the reader
is of no use after that. It keeps at most one frame: of a payload longer than `limit_bytes` it
keeps nothing, and counts the bytes instead.
"""

from collections.abc import Callable
from struct import Struct as Layout
from typing import NamedTuple

from lambent.errors import LambentError

INVOKE = 1
READY, INIT_ERROR, RESPONSE, ERROR, STREAM, CHUNK, FATAL = 16, 17, 18, 19, 20, 21, 22

# How many fields each meta has.
FROM_BOOTSTRAP = {READY: 1, INIT_ERROR: 2, RESPONSE: 1, ERROR: 2, STREAM: 2, CHUNK: 1, FATAL: 2}
PIECES = (STREAM, CHUNK)

HEADER = Layout(">IBH")
HEADER_BYTES = 7
LENGTH_BYTES = 4
COUNTED_HEADER_BYTES = HEADER_BYTES - LENGTH_BYTES  # what `length` counts besides meta and payload
MAX_META_BYTES = 65535
DEFAULT_LIMIT_BYTES = 6 * 1024 * 1024
PIECE_BYTES = 65536  # of a streamed answer; a bootstrap cuts what is longer
MOST_PIECES = 4096  # of what is not complete: each costs more than the byte or two that somebody may send at a time


class Garbage(LambentError):
    """The other side sent what no bootstrap sends; the connection cannot be understood any more."""


class Frame(NamedTuple):
    """One frame from a bootstrap. `dropped_bytes` > 0: the payload was over the limit, and is gone."""

    kind: int
    fields: list[str]
    payload: bytes
    dropped_bytes: int = 0


def encode(kind: int, fields: list[str], payload: bytes) -> bytes:
    """One frame.

    Raises:
        ValueError: a field contains NUL, or they are too long together.
    """
    meta = "\0".join(fields).encode("utf-8", "replace")
    if meta.count(0) != len(fields) - 1 or len(meta) > MAX_META_BYTES:
        raise ValueError("a field of a frame contains NUL, or the fields are too long")
    return HEADER.pack(COUNTED_HEADER_BYTES + len(meta) + len(payload), kind, len(meta)) + meta + payload


class FrameReader:
    """Cuts a stream into frames.

    Args:
        kinds: the kinds of frame that may come, each with the number of its fields.
    """

    def __init__(self, kinds: dict[int, int] | None = None) -> None:
        self.limit_bytes = DEFAULT_LIMIT_BYTES
        self._kinds = FROM_BOOTSTRAP if kinds is None else kinds
        self._pieces: list[bytes] = []
        self._held = 0
        self._needed = HEADER_BYTES  # how many bytes must be held before anything can be said
        self._step: Callable[[bytes], bytes | None] = self._take_whole
        self._frames: list[Frame] = []
        self._kind, self._fields, self._dropping, self._dropped = 0, [""], 0, 0

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that `data` completes.

        Raises:
            Garbage: now or before, something came that is not a frame.
        """
        self._held += len(data)
        if self._held < self._needed:
            self._pieces.append(data)
            if len(self._pieces) > MOST_PIECES:
                self._pieces = [b"".join(self._pieces)]
            return []
        if self._pieces:
            self._pieces.append(data)
            data = b"".join(self._pieces)
            self._pieces = []
        rest: bytes | None = data
        while rest is not None:
            rest = self._step(rest)
        frames, self._frames = self._frames, []
        return frames

    def _take_whole(self, data: bytes) -> bytes | None:
        """Take a frame from the front of `data`; None when more bytes are needed first."""
        if len(data) < HEADER_BYTES:
            self._wait_for(HEADER_BYTES, data)
            return None
        length, kind, meta_bytes = HEADER.unpack_from(data)
        expected = self._kinds.get(kind)
        payload_bytes = length - COUNTED_HEADER_BYTES - meta_bytes
        if expected is None or payload_bytes < 0:
            raise self._broken(f"a frame of kind {kind} with {length} bytes, {meta_bytes} of them meta")
        start = HEADER_BYTES + meta_bytes
        too_long = payload_bytes > self.limit_bytes
        if kind in PIECES:
            too_long = False
            if payload_bytes > PIECE_BYTES:
                raise self._broken(f"a piece of {payload_bytes} bytes")
        needed = start if too_long else start + payload_bytes
        if len(data) < needed:
            self._wait_for(needed, data)
            return None
        fields = self._fields_of(data[HEADER_BYTES:start], expected)
        if too_long:
            self._kind, self._fields = kind, fields
            self._dropping = self._dropped = payload_bytes
            self._step = self._drop
            return data[start:]
        self._frames.append(Frame(kind, fields, data[start:needed]))
        if len(data) > needed:
            return data[needed:]
        self._wait_for(HEADER_BYTES, b"")
        return None

    def _drop(self, data: bytes) -> bytes | None:
        """Throw away what belongs to a payload that is too long."""
        taken = min(len(data), self._dropping)
        self._dropping -= taken
        if self._dropping:
            self._wait_for(1, b"")
            return None
        self._frames.append(Frame(self._kind, self._fields, b"", self._dropped))
        self._step = self._take_whole
        return data[taken:]

    def _wait_for(self, needed: int, data: bytes) -> None:
        self._needed, self._held = needed, len(data)
        if data:
            self._pieces.append(data)

    def _fields_of(self, meta: bytes, expected: int) -> list[str]:
        try:
            fields = str(meta, "utf-8").split("\0")
        except UnicodeDecodeError:
            raise self._broken("meta that is not UTF-8") from None
        if len(fields) != expected:
            raise self._broken(f"{len(fields)} fields where {expected} belong")
        return fields

    def _broken(self, what: str) -> Garbage:
        garbage = Garbage(what)

        def refuse(_: bytes) -> bytes | None:
            raise garbage

        self._step, self._needed, self._pieces, self._frames = refuse, 0, [], []
        return garbage
