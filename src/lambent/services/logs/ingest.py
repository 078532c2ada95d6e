"""What functions logged, as the journal has it, packed for their log streams.

A consumer of the journal (journal/follower.py says when and how it moves). It shares two cores with the
invocations, so the cost of a record counts (bench/ingest.py): no row for a line, and none for a record.
"""

from collections.abc import Iterable, Mapping, Sequence

from lambent.clock import Clock
from lambent.journal.follower import Work
from lambent.journal.lines import events_of
from lambent.model.invocation import InvocationRecord
from lambent.services.logs import store
from lambent.services.logs.chunks import Chunk, Event, pack
from lambent.store.api import Database, Transaction

StreamKey = tuple[str, str, str, str]
"""Account, Region, group, stream."""
Packed = Mapping[StreamKey, list[Chunk]]


class LogIngester:
    """Moves records into log streams, for the journal's follower."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database, self._clock = database, clock

    def prepare(self, records: Sequence[InvocationRecord]) -> Work:
        """The chunks to write for `records`."""
        packed = packed_by_stream(records)
        return lambda tx: self._store(tx, packed)

    def _store(self, tx: Transaction, packed: Packed) -> None:
        now_ms = self._clock.now_ms()
        groups: dict[tuple[str, str, str], int] = {}
        for (account, region, group, stream), chunks in packed.items():
            key = account, region, group
            if key not in groups:
                groups[key] = store.group_id_for(tx, (account, region), group, now_ms)
            store.add_chunks(tx, groups[key], stream, chunks, now_ms)


def packed_by_stream(records: Iterable[InvocationRecord]) -> dict[StreamKey, list[Chunk]]:
    """The log events of `records`, packed for the streams that they belong to."""
    streams: dict[StreamKey, list[Event]] = {}
    for record in records:
        key = record.key
        events = streams.setdefault((key.account, key.region, record.log_group, record.log_stream), [])
        events += events_of(record)
    return {stream: list(pack(events)) for stream, events in streams.items() if events}
