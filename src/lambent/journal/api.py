"""What happened, written by the data plane and read by logs, metrics and metering.

Each writing process has a name of its own, never used again (an edge's is its number and its
generation), and appends to segment files `NAME.NNNNNNNN.journal` in one folder. A segment is a
row of frames,

    u32 length | u32 CRC-32 of what follows | one InvocationRecord in msgpack       (big-endian)

written with one `write` for each turn of the event loop. What was written survives the death of
its writer; it is not synced, so a power failure may take the last seconds of the journal (never
anything that was acknowledged by the stores).

A writer holds an exclusive `flock` on its segment, which the kernel lets go however the writer
ends: a segment that can be locked grows no more. A frame that a kill cut short is the last of
its segment, and is skipped. Segments are deleted by the one reader that consumes them, once its
checkpoint has passed their end; the reader keeps the checkpoint (segment -> offset) together
with what it made of the records, so that each record counts exactly once.

Rejected: a socket to control (its restart would lose records or hold up invocations); one file
for all writers (appends would need a lock on the hot path); closing marks at the end of segments
(a killed writer leaves none).
"""

import struct
from collections.abc import Mapping

from msgspec import Struct

from lambent.model.invocation import InvocationRecord

SUFFIX = ".journal"
HEADER = struct.Struct(">II")
MAX_RECORD_BYTES = 256 * 1024 * 1024  # no record is longer; a header that says so is damage

Positions = Mapping[str, int]
"""How far a reader has come: the name of a segment -> the offset of its first unread byte."""


class Batch(Struct, frozen=True):
    """Some records in the order in which their writers wrote them, and where reading goes on."""

    records: list[InvocationRecord]
    positions: dict[str, int]


class WriterStatistics(Struct, frozen=True):
    """What a writer has done so far; `dropped` counts records that the disk would not take."""

    records: int
    written_bytes: int
    segments: int
    dropped: int
