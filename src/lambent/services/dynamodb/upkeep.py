"""What goes on behind the operations: filling new indexes, listing expiries, deleting what has expired, clearing away.

Everything in small works, so that nobody waits behind them, and each safe to be done again after a crash.

Source: DynamoDB Developer Guide, "Managing Global Secondary "
"Indexes" (backfilling; items whose key has another type are passed
over), "Using time to live (TTL)", "DynamoDB Streams" (24 hours).
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import msgspec
import structlog

from lambent.errors import ServiceError
from lambent.services.dynamodb import store
from lambent.services.dynamodb.catalog import Catalog, Live
from lambent.services.dynamodb.indexes import Entry, Shift, entry_of
from lambent.services.dynamodb.keys import Place, after
from lambent.services.dynamodb.model import ACTIVE, Index, Table, Ttl
from lambent.services.dynamodb.store import SQL
from lambent.services.dynamodb.switching import SHARD_LIFE_MS, with_next_shard
from lambent.services.dynamodb.ttl import FIVE_YEARS_S, expires_s
from lambent.services.dynamodb.values import Item
from lambent.services.dynamodb.writing import Change, Moment, make_change, move_entry
from lambent.store.api import StoreFailed, Transaction

EVERY_S = 60.0
AT_ONCE = 300
STREAM_LIFE_MS = 24 * 3_600_000
Fill = Callable[[Transaction, Place, Item], Any]

log = structlog.get_logger()


class Upkeep:
    """One task that its owner runs."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def run(self) -> None:
        """Work whenever there is work, and look every minute, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._every_minute())
            while True:
                self._catalog.work_to_do.clear()
                await self._guarded(self.catch_up)
                await self._catalog.work_to_do.wait()

    async def _every_minute(self) -> None:
        while True:
            await self._guarded(self.sweep)
            await self._catalog.clock.sleep(EVERY_S)
            self._catalog.work_to_do.set()

    async def _guarded(self, work: Callable[[], Any]) -> None:
        try:
            await work()
        except StoreFailed as error:
            log.error("tables are not kept up", action="dynamodb.upkeep", reason=str(error))

    async def catch_up(self) -> None:
        """Fill what is new, and clear away what was given up."""
        for live in self._catalog:
            with contextlib.suppress(ServiceError):  # the table was deleted meanwhile
                await self._fill(live)
        for row in await self._catalog.database.read(lambda tx: tx.all(SQL.abandoned_spaces)):
            while await self._catalog.database.write(lambda tx, space=row["id"]: _clear(tx, space)):  # type: ignore[misc]
                pass

    async def _fill(self, live: Live) -> None:
        for index in live.table.indexes:
            if index.status != ACTIVE:
                await self._fill_index(live, index)
        ttl = live.table.ttl
        if ttl is not None and not ttl.covered:
            await self._walk(live, lambda tx, place, item: _list_expiry(tx, ttl, place, item))
            await self._catalog.change(live.table.key, lambda table: _covered(table, ttl))

    async def _fill_index(self, live: Live, index: Index) -> None:
        schema = live.table.schema
        await self._walk(live, lambda tx, place, item: _add_entry(tx, index, entry_of(index, schema, item, place)))
        await self._catalog.change(live.table.key, lambda table: _filled(table, index.name))

    async def _walk(self, live: Live, fill: Fill) -> None:
        """Every item that the table had when this began; writes since then see to themselves."""
        at: Place | None = Place(b"", b"")
        while at is not None and self._catalog.get(live.table.key) is live:
            at = await self._catalog.database.write(lambda tx, at=at: _some(tx, live.table.space, at, fill))  # type: ignore[misc]

    # --- every minute

    async def sweep(self) -> None:
        """Delete what has expired, give streams their next shard, and forget what is old."""
        now_ms = self._catalog.clock.now_ms()
        for live in self._catalog:
            stream = live.table.stream
            if stream is not None and stream.enabled and now_ms - stream.shard_since_ms >= SHARD_LIFE_MS:
                with contextlib.suppress(ServiceError):
                    await self._catalog.change(live.table.key, lambda table: with_next_shard(self._catalog, table))
            await self._expire(live, now_ms // 1000)
        before_ms = now_ms - STREAM_LIFE_MS
        while await self._catalog.database.write(
            lambda tx: tx.run(SQL.delete_old_records, before_ms=before_ms, limit=AT_ONCE)
        ):
            pass
        await self._catalog.database.write(lambda tx: _forget(tx, before_ms, now_ms))

    async def _expire(self, live: Live, now_s: int) -> None:
        """Delete what has expired, some at a time."""
        moment = self._catalog.moment(by_service=True)
        while (ttl := live.table.ttl) is not None and self._catalog.get(live.table.key) is live:
            if not await self._catalog.database.write(_expire_some(live.table, ttl, now_s, moment)):
                return
            self._catalog.recorded(live.table)


def _expire_some(table: Table, ttl: Ttl, now_s: int, moment: Moment) -> Callable[[Transaction], int]:
    def work(tx: Transaction) -> int:
        bounds = {"after_s": now_s - FIVE_YEARS_S, "now_s": now_s}
        rows = tx.all(SQL.expired, space=ttl.space, limit=AT_ONCE, **bounds)
        for row in rows:
            make_change(tx, _expiry_of(table, Place(row["partition"], row["sort"]), now_s), moment)
            tx.run(SQL.delete_expiry, space=ttl.space, **row)
        return len(rows)

    return work


def _expiry_of(table: Table, place: Place, now_s: int) -> Change:
    """The item goes if it is still so that it has expired."""

    def make(old: Item | None) -> Item | None:
        moment_s = expires_s(table.ttl, old) if table.ttl is not None else None
        return None if moment_s is not None and moment_s <= now_s else old

    return Change(table, place, make)


def _some(tx: Transaction, space: int, at: Place, fill: Fill) -> Place | None:
    """Fill for some items; where to go on, None at the end."""
    rows = tx.all(SQL.scan, space=space, partition=at.partition, sort=at.sort, last=after(b""), limit=AT_ONCE)
    for row in rows:
        fill(tx, Place(row["partition"], row["sort"]), store.decode_item(row["item"]))
    return Place(rows[-1]["partition"], rows[-1]["sort"]) if len(rows) == AT_ONCE else None


def _add_entry(tx: Transaction, index: Index, entry: Entry | None) -> None:
    if entry is not None and store.item_at(tx, index.space, entry.place) is None:
        move_entry(tx, Shift(index, None, entry))


def _list_expiry(tx: Transaction, ttl: Ttl, place: Place, item: Item) -> None:
    moment_s = expires_s(ttl, item)
    if moment_s is not None:
        tx.run(SQL.put_expiry, space=ttl.space, expires_s=moment_s, partition=place.partition, sort=place.sort)


def _filled(table: Table, name: str) -> tuple[Table, Callable[[Transaction], Any]]:
    indexes = tuple(
        msgspec.structs.replace(index, status=ACTIVE) if index.name == name else index for index in table.indexes
    )
    return msgspec.structs.replace(table, indexes=indexes), lambda _: None


def _covered(table: Table, ttl: Ttl) -> tuple[Table, Callable[[Transaction], Any]]:
    if table.ttl != ttl:  # it was switched off meanwhile
        return table, lambda _: None
    return msgspec.structs.replace(table, ttl=msgspec.structs.replace(ttl, covered=True)), lambda _: None


def _clear(tx: Transaction, space: int) -> int:
    """Delete some of what an abandoned space holds; in the end the space. How much there was, zero for nothing."""
    gone = tx.run(SQL.empty_space, space=space, limit=AT_ONCE) + tx.run(SQL.empty_expiries, space=space, limit=AT_ONCE)
    if not gone:
        tx.run(SQL.delete_space, space=space)
    return gone


def _forget(tx: Transaction, before_ms: int, now_ms: int) -> None:
    tx.run(SQL.delete_old_shards, before_ms=before_ms)
    tx.run(SQL.delete_old_streams, before_ms=before_ms)
    tx.run(SQL.delete_expired_tokens, now_ms=now_ms)
