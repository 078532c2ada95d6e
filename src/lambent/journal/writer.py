"""The hot end of the journal: encode now, write once at the end of the event loop's turn."""

import asyncio
import fcntl
import os
from pathlib import Path
from zlib import crc32

import msgspec
import structlog

from lambent.journal.api import HEADER, SUFFIX, WriterStatistics
from lambent.model.invocation import InvocationRecord

SEGMENT_BYTES = 8 * 1024 * 1024
PRIVATE_MODE = 0o600

log = structlog.get_logger()


class JournalWriter:
    """Appends to the segments of `name` in `folder`. Belongs to one event loop; `close` when done.

    Args:
        folder: where all segments lie; made if it is missing.
        name: unlike that of any other writer, past or present, and without dots.
        segment_bytes: a segment that has grown to this is followed by the next.
    """

    def __init__(self, folder: Path, name: str, *, segment_bytes: int = SEGMENT_BYTES) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder, self._name, self._segment_bytes = folder, name, segment_bytes
        self._encode = msgspec.msgpack.Encoder().encode
        self._buffer = bytearray()
        self._buffered = self._records = self._written_bytes = self._dropped = 0
        self._sequence = 0
        self._segment = -1  # the descriptor; opened when there is something to write
        self._size = 0

    def append(self, record: InvocationRecord) -> None:
        """Take `record`; it is written when the running turn of the event loop ends. Never waits."""
        if not self._buffer:
            asyncio.get_running_loop().call_soon(self.flush)
        body = self._encode(record)
        self._buffer += HEADER.pack(len(body), crc32(body))
        self._buffer += body
        self._buffered += 1

    def flush(self) -> None:
        """Write what was appended. What the disk refuses is dropped and logged: serving goes on."""
        if not self._buffer:
            return
        data, count = self._buffer, self._buffered
        self._buffer, self._buffered = bytearray(), 0
        try:
            self._write(data)
        except OSError as error:
            self._dropped += count
            self._end_segment()  # it may end in half a frame, which is legal only at the end
            log.error("log records lost", action="journal.dropped", records=count, reason=str(error))
            return
        self._records += count
        if self._size >= self._segment_bytes:
            self._end_segment()

    def close(self) -> None:
        """Write what is left and let the segment go; idempotent."""
        self.flush()
        self._end_segment()

    def statistics(self) -> WriterStatistics:
        """What was done so far."""
        return WriterStatistics(self._records, self._written_bytes, self._sequence, self._dropped)

    def _write(self, data: bytearray) -> None:
        if self._segment < 0:
            self._segment = self._open_next()
            self._size = 0
        rest = memoryview(data)
        while rest:
            written = os.write(self._segment, rest)
            self._size += written
            self._written_bytes += written
            rest = rest[written:]

    def _open_next(self) -> int:
        """Make the next segment, and lock it before the reader could take it for an abandoned one."""
        while True:
            self._sequence += 1
            path = self._folder / f"{self._name}.{self._sequence:08d}{SUFFIX}"
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, PRIVATE_MODE)
            if _lock(descriptor) and os.fstat(descriptor).st_nlink == 1:
                return descriptor
            os.close(descriptor)  # the reader was quicker, and removes or has removed the empty file

    def _end_segment(self) -> None:
        if self._segment >= 0:
            os.close(self._segment)  # which also unlocks it
            self._segment = -1


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
