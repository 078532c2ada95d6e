"""Moving what functions logged out of the journal and into log streams.

One task in control, every fifth of a second and whenever a query asks. Each pass reads what the
journal holds by then, packs the events of each stream into chunks in a thread, and writes chunks
and checkpoint in one transaction: a crash at any moment neither loses nor repeats an event. Only
then are consumed segments deleted, and their positions after them.

It shares two cores with the invocations, so the cost of a record counts (bench/ingest.py): no row
for a line, and none for a record.
"""

import asyncio
import functools
from collections.abc import Iterable, Mapping

import structlog

from lambent.clock import Clock
from lambent.journal.api import Batch
from lambent.journal.lines import events_of
from lambent.journal.reader import JournalReader
from lambent.model.invocation import InvocationRecord
from lambent.services.logs import store
from lambent.services.logs.chunks import Chunk, Event, pack
from lambent.services.logs.store import SQL
from lambent.store.api import Database, StoreFailed, Transaction

EVERY_S = 0.2

StreamKey = tuple[str, str, str, str]
"""Account, Region, group, stream."""
Packed = Mapping[StreamKey, list[Chunk]]

log = structlog.get_logger()


class LogIngester:
    """The one consumer of the journal's segments. Everything happens on one event loop."""

    def __init__(self, database: Database, reader: JournalReader, clock: Clock) -> None:
        self._database, self._reader, self._clock = database, reader, clock
        self._positions: dict[str, int] | None = None
        self._one_at_a_time = asyncio.Lock()

    async def run(self) -> None:
        """Catch up every fifth of a second until cancelled. While the disk refuses, it tries again."""
        while True:
            try:
                await self.catch_up()
            except (StoreFailed, OSError) as error:
                log.error("logs are not moving", action="logs.ingest", reason=str(error))
            await self._clock.sleep(EVERY_S)

    async def catch_up(self) -> None:
        """Return once every record that was in the journal at the call is in its log stream.

        Whoever waits may be cancelled: what the transaction finds in the database counts, not what we remember.
        """
        async with self._one_at_a_time:
            ends = await asyncio.to_thread(self._reader.ends)
            while True:
                try:
                    return await self._move(ends)
                except BaseException as error:
                    self._positions = None
                    if not isinstance(error, _MovedMeanwhile):
                        raise

    async def _move(self, ends: Mapping[str, int]) -> None:
        positions = await self._known_positions()
        moved = False
        while any(positions.get(name, 0) < end for name, end in ends.items()):
            before = dict(positions)
            batch, packed = await asyncio.to_thread(self._read, before, ends)
            if not batch.positions:
                break  # what is left is half a frame
            await self._database.write(functools.partial(self._store, before=before, batch=batch, packed=packed))
            positions.update(batch.positions)
            moved = True
        if moved or len(ends) > 1:
            await self._forget_consumed(positions)

    def _read(self, positions: Mapping[str, int], ends: Mapping[str, int]) -> tuple[Batch, Packed]:
        batch = self._reader.read(positions, ends)
        return batch, packed_by_stream(batch.records)

    def _store(self, tx: Transaction, *, before: Mapping[str, int], batch: Batch, packed: Packed) -> None:
        stored = _positions(tx)
        if any(stored.get(name, 0) != before.get(name, 0) for name in batch.positions):
            raise _MovedMeanwhile
        now_ms = self._clock.now_ms()
        groups: dict[tuple[str, str, str], int] = {}
        for (account, region, group, stream), chunks in packed.items():
            key = account, region, group
            if key not in groups:
                groups[key] = store.group_id_for(tx, (account, region), group, now_ms)
            store.add_chunks(tx, groups[key], stream, chunks, now_ms)
        tx.run_many(SQL.set_position, [{"segment": name, "next_byte": at} for name, at in batch.positions.items()])

    async def _known_positions(self) -> dict[str, int]:
        if self._positions is None:
            self._positions = await self._database.read(_positions)
            await self._forget(set(self._positions) - set(await asyncio.to_thread(self._reader.ends)))
        return self._positions

    async def _forget_consumed(self, positions: Mapping[str, int]) -> None:
        await self._forget(await asyncio.to_thread(self._reader.delete_consumed, dict(positions)))

    async def _forget(self, segments: Iterable[str]) -> None:
        """Drop the positions of segments that are gone: their names never come again."""
        gone = [{"segment": name} for name in segments]
        if not gone:
            return
        await self._database.write(lambda tx: tx.run_many(SQL.delete_position, gone))
        assert self._positions is not None
        for each in gone:
            self._positions.pop(each["segment"], None)


class _MovedMeanwhile(Exception):
    """A pass whose caller went away was committed after all; begin again from the database."""


def _positions(tx: Transaction) -> dict[str, int]:
    return {row["segment"]: row["next_byte"] for row in tx.all(SQL.positions)}


def packed_by_stream(records: Iterable[InvocationRecord]) -> dict[StreamKey, list[Chunk]]:
    """The log events of `records`, packed for the streams that they belong to."""
    streams: dict[StreamKey, list[Event]] = {}
    for record in records:
        key = record.key
        events = streams.setdefault((key.account, key.region, record.log_group, record.log_stream), [])
        events += events_of(record)
    return {stream: list(pack(events)) for stream, events in streams.items() if events}
