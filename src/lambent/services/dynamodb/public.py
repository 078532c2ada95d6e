"""Streams for Lambent's other parts: event source mappings read what has changed. Addressed by ARN.

A reader keeps for each shard the sequence number up to which it has come, starts with those shards that have no
parent, and goes on with a child when its parent has ended.
"""

import asyncio
from typing import Any

from msgspec import Struct

from lambent.clock import Clock
from lambent.services.dynamodb.catalog import Catalog
from lambent.services.dynamodb.errors import TableNotFound
from lambent.services.dynamodb.records import sequence_of, sequence_text, shown
from lambent.services.dynamodb.store import SQL
from lambent.services.dynamodb.streams import Batch, key_of_stream, shards_of, stream_at
from lambent.services.dynamodb.streams import batch_of as read_batch
from lambent.store.api import Row, Transaction

BEGIN = ""


class Shard(Struct, frozen=True):
    """A shard of a stream. `parent` is empty when there is none, or it is too old to have records."""

    id: str
    parent: str
    ended: bool


class StreamBatch(Struct, frozen=True):
    """Records, as GetRecords shows them. Read on after `position`; `ended`: the shard has no more and gets no more;
    `more`: it has more now."""

    records: list[dict[str, Any]]
    position: str
    ended: bool
    more: bool = False


class PublicStreams:
    """What other parts may do with streams."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def exists(self, arn: str) -> bool:
        """Whether there is such a stream."""
        try:
            await self.shards(arn)
        except TableNotFound:
            return False
        return True

    async def shards(self, arn: str) -> list[Shard]:
        """The shards, parents first. Raises TableNotFound."""
        now_ms = self._catalog.clock.now_ms()
        rows = await self._catalog.database.read(lambda tx: shards_of(tx, stream_at(tx, arn, now_ms), now_ms))
        names = {row["id"]: row["name"] for row in rows}
        return [Shard(row["name"], names.get(row["parent"], ""), row["closed_ms"] is not None) for row in rows]

    async def newest(self, arn: str) -> str:
        """The position after everything that is there now, in any shard. Raises TableNotFound."""
        now_ms = self._catalog.clock.now_ms()

        def read(tx: Transaction) -> int:
            stream_at(tx, arn, now_ms)
            row: Any = tx.one(SQL.newest_sequence)
            return int(row["sequence"])

        return sequence_text(await self._catalog.database.read(read))

    async def read(self, arn: str, shard_id: str, position: str, most: int, wait_s: float = 0.0) -> StreamBatch:
        """Up to `most` records of a shard after a position (BEGIN: all that there are), waiting for the first.

        Raises:
            TableNotFound: there is no such stream or shard any longer.
        """
        clock = self._catalog.clock
        until_s, after = clock.monotonic_s() + wait_s, sequence_of(position) if position else 0
        while True:
            stream, batch, news = await self._read(arn, shard_id, after, most)
            left_s = until_s - clock.monotonic_s()
            if batch.records or batch.ended or left_s <= 0:
                break
            await _either(news, left_s, clock)
        key, _ = key_of_stream(arn)
        records = [shown(record, key.region, stream["view"]) for record in batch.records]
        return StreamBatch(records, sequence_text(batch.after), batch.ended, batch.more)

    async def _read(self, arn: str, shard_id: str, after: int, most: int) -> tuple[Row, Batch, asyncio.Event]:
        now_ms = self._catalog.clock.now_ms()

        def read(tx: Transaction) -> tuple[Row, Row]:
            stream = stream_at(tx, arn, now_ms)
            shard = next((row for row in shards_of(tx, stream, now_ms) if row["name"] == shard_id), None)
            if shard is None:
                raise TableNotFound(f"Requested resource not found: Shard: {shard_id} in Stream: {arn} not found")
            return stream, shard

        stream, shard = await self._catalog.database.read(read)
        # Asked for before the records are: what is written meanwhile sets it.
        news = self._catalog.next_record(stream["id"])
        batch = await self._catalog.database.read(lambda tx: read_batch(tx, shard, after, most, now_ms))
        return stream, batch, news


async def _either(news: asyncio.Event, seconds: float, clock: Clock) -> None:
    """Wait for news, but no longer than that."""
    waits = [asyncio.ensure_future(news.wait()), asyncio.ensure_future(clock.sleep(seconds))]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
