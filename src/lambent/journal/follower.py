"""Moving what the journal holds to those who make something of it: logs, metrics.

One task in control, every fifth of a second and whenever a query asks. Each pass reads what is there by
then once for all consumers, has each prepare its part in a thread, and writes that part and the consumer's
checkpoint in one transaction of its own database: a crash at any moment neither loses nor repeats a record
in any of them. One that was left behind by a failure reads alone until it has come as far as the others.
Only when all have passed a segment is it deleted, and its positions after it.

A consumer's database has the table `journal_position` (see sql/positions.sql) beside its own.
"""

import asyncio
import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

import structlog

from lambent.clock import Clock
from lambent.journal.api import Batch
from lambent.journal.reader import JournalReader
from lambent.model.invocation import InvocationRecord
from lambent.store.api import Database, StoreFailed, Transaction
from lambent.store.sql import load_queries

EVERY_S = 0.2
SQL = load_queries("lambent.journal")
Work = Callable[[Transaction], None]

log = structlog.get_logger()


class Consumer(Protocol):
    """Who makes something of the records."""

    @property
    def database(self) -> Database:
        """Where it keeps what it makes, and its checkpoint."""

    def prepare(self, records: Sequence[InvocationRecord]) -> Work:
        """What to write for `records`. Runs in a thread, so it touches nothing that others do; its result may be
        thrown away and asked for again."""


class JournalFollower:
    """The one reader of the journal's segments. Everything happens on one event loop."""

    def __init__(self, reader: JournalReader, clock: Clock, consumers: Sequence[Consumer]) -> None:
        self._reader, self._clock = reader, clock
        self._checkpoints = [Checkpoint(consumer) for consumer in consumers]
        self._one_at_a_time = asyncio.Lock()

    async def run(self) -> None:
        """Catch up every fifth of a second until cancelled. While the disk refuses, it tries again."""
        while True:
            try:
                await self.catch_up()
            except (StoreFailed, OSError) as error:
                log.error("the journal is not moving", action="journal.follow", reason=str(error))
            await self._clock.sleep(EVERY_S)

    async def catch_up(self) -> None:
        """Return once every record that was in the journal at the call is where it belongs.

        Whoever waits may be cancelled: what the transaction finds in the database counts, not what we remember.
        """
        async with self._one_at_a_time:
            ends = await asyncio.to_thread(self._reader.ends)
            while True:
                try:
                    return await self._move(ends)
                except BaseException as error:
                    for checkpoint in self._checkpoints:
                        checkpoint.known = None
                    if not isinstance(error, _MovedMeanwhile):
                        raise

    async def _move(self, ends: Mapping[str, int]) -> None:
        for checkpoint in self._checkpoints:
            if checkpoint.known is None:
                checkpoint.known = await checkpoint.read()
                await checkpoint.forget(set(checkpoint.known) - set(await asyncio.to_thread(self._reader.ends)))
        moved = False
        while group := self._furthest_behind(ends):
            before = dict(group[0].positions)
            batch, works = await asyncio.to_thread(self._read, before, ends, group)
            if not batch.positions:
                break  # what is left is half a frame
            for checkpoint, work in zip(group, works, strict=True):
                await checkpoint.write(work, before, batch.positions)
            moved = True
        if moved or len(ends) > 1:
            await self._forget_consumed(ends)

    def _furthest_behind(self, ends: Mapping[str, int]) -> list["Checkpoint"]:
        """Those with something to read that can read the same: the first of them, and who stands where it stands."""
        waiting = [each for each in self._checkpoints if each.unread(ends)]
        return [each for each in waiting if each.positions == waiting[0].positions]

    def _read(
        self, positions: Mapping[str, int], ends: Mapping[str, int], group: Sequence["Checkpoint"]
    ) -> tuple[Batch, list[Work]]:
        batch = self._reader.read(positions, ends)
        return batch, [each.consumer.prepare(batch.records) for each in group]

    async def _forget_consumed(self, ends: Mapping[str, int]) -> None:
        """Delete what all have read, and what they remember of it."""
        least = {name: min(each.positions.get(name, 0) for each in self._checkpoints) for name in ends}
        gone = await asyncio.to_thread(self._reader.delete_consumed, least)
        for checkpoint in self._checkpoints:
            await checkpoint.forget(gone)


class Checkpoint:
    """How far one consumer has come: what its database says, and what we know of that."""

    def __init__(self, consumer: Consumer) -> None:
        self.consumer = consumer
        self.known: dict[str, int] | None = None

    @property
    def positions(self) -> dict[str, int]:
        """Where it stands in each segment."""
        assert self.known is not None
        return self.known

    def unread(self, ends: Mapping[str, int]) -> bool:
        """Whether there is something that it has not read."""
        return any(self.positions.get(name, 0) < end for name, end in ends.items())

    async def read(self) -> dict[str, int]:
        """What the database says."""
        return await self.consumer.database.read(_positions)

    async def write(self, work: Work, before: Mapping[str, int], after: Mapping[str, int]) -> None:
        """Do `work` and move on, both or neither. Raises _MovedMeanwhile."""
        await self.consumer.database.write(functools.partial(_step, work=work, before=before, after=after))
        self.positions.update(after)

    async def forget(self, segments: Iterable[str]) -> None:
        """Drop the positions of segments that are gone: their names never come again."""
        gone = [{"segment": name} for name in segments if name in self.positions]
        if not gone:
            return
        await self.consumer.database.write(lambda tx: tx.run_many(SQL.delete_position, gone))
        for each in gone:
            self.positions.pop(each["segment"], None)


class _MovedMeanwhile(Exception):
    """A pass whose caller went away was committed after all; begin again from the database."""


def _step(tx: Transaction, *, work: Work, before: Mapping[str, int], after: Mapping[str, int]) -> None:
    stored = _positions(tx)
    if any(stored.get(name, 0) != before.get(name, 0) for name in after):
        raise _MovedMeanwhile
    work(tx)
    tx.run_many(SQL.set_position, [{"segment": name, "next_byte": at} for name, at in after.items()])


def _positions(tx: Transaction) -> dict[str, int]:
    return {row["segment"]: row["next_byte"] for row in tx.all(SQL.positions)}
