"""Following all writers' segments from a checkpoint, and removing what was consumed.

Everything here does file I/O: call it from a thread. The reader keeps no position of its own,
so that one that failed half-way is simply asked again.
"""

import contextlib
import fcntl
import os
from pathlib import Path

import structlog

from lambent.journal.api import SUFFIX, Batch, Positions
from lambent.journal.frames import Parsed, parse_frames
from lambent.model.invocation import InvocationRecord

READ_BYTES = 1024 * 1024

log = structlog.get_logger()


class JournalReader:
    """Reads the segments in `folder`. One consumer at a time may delete."""

    def __init__(self, folder: Path, *, read_bytes: int = READ_BYTES) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder, self._read_bytes = folder, read_bytes

    def ends(self) -> dict[str, int]:
        """How long each segment is now; in the order in which its writer made them."""
        found = {}
        for entry in sorted(os.scandir(self._folder), key=lambda entry: entry.name):
            if entry.name.endswith(SUFFIX):
                with contextlib.suppress(FileNotFoundError):  # deleted by a call that its owner no longer waits for
                    found[entry.name] = entry.stat().st_size
        return found

    def read(self, positions: Positions, ends: Positions) -> Batch:
        """The records after `positions` and before `ends`, about a megabyte of them at a time.

        `positions` of the answer holds only what has changed; nothing has when all is read.
        """
        records: list[InvocationRecord] = []
        changed: dict[str, int] = {}
        room = self._read_bytes
        for name, end in ends.items():
            start = positions.get(name, 0)
            if start >= end:
                continue
            parsed = self._parse(name, start, end, room)
            records += parsed.records
            if parsed.consumed:
                changed[name] = start + parsed.consumed
            if parsed.damage:
                log.error("journal damaged", action="journal.damaged", segment=name, reason=parsed.damage)
                changed[name] = end  # where the next write of a writer that lives begins
            if parsed.unreadable:
                log.error("unknown records", action="journal.unreadable", segment=name, records=parsed.unreadable)
            if parsed.consumed and end - start > room:
                break  # the rest waits for the next call, so that each writer's records stay in order
            room -= parsed.consumed
        return Batch(records, changed)

    def delete_consumed(self, positions: Positions) -> list[str]:
        """Remove the segments that have no writer any more and nothing to read; their names.

        `positions` must be on disk: what is deleted here cannot be read again.
        """
        return [name for name in self.ends() if self._delete_if_consumed(name, positions.get(name, 0))]

    def _parse(self, name: str, start: int, end: int, room: int) -> Parsed:
        data = self._bytes(name, start, min(end, start + room))
        parsed = parse_frames(data)
        if parsed.needed and not parsed.consumed and start + parsed.needed <= end:
            parsed = parse_frames(self._bytes(name, start, start + parsed.needed))  # one longer than the room
        return parsed

    def _bytes(self, name: str, start: int, end: int) -> bytes:
        with open(self._folder / name, "rb") as segment:
            segment.seek(start)
            return segment.read(end - start)

    def _delete_if_consumed(self, name: str, position: int) -> bool:
        path = self._folder / name
        with contextlib.suppress(BlockingIOError, FileNotFoundError), open(path, "rb") as segment:
            fcntl.flock(segment, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not self._has_more(name, position, os.fstat(segment.fileno()).st_size):
                path.unlink()  # under the lock, so that no writer takes it meanwhile
                return True
        return False

    def _has_more(self, name: str, position: int, size: int) -> bool:
        """Whether there are whole frames; half a one, that a kill cut short, will never be whole."""
        if position >= size:
            return False
        parsed = self._parse(name, position, size, self._read_bytes)
        return bool(parsed.consumed or parsed.damage)
