"""The tables that are alive, and the one way to change what they are.

Memory holds every table's definition. A change of one is put into memory when its work is handed to the database, and
taken back should that fail: the database does works in the order in which it was given them, so each write of an item
is done after the definition it was planned on, and before the next.
"""

import asyncio
import itertools
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

from lambent.clock import Clock
from lambent.config import Quotas
from lambent.ids import Ids
from lambent.services.dynamodb import store
from lambent.services.dynamodb.capacity import Meter
from lambent.services.dynamodb.errors import TableInUse, no_table
from lambent.services.dynamodb.model import Table
from lambent.services.dynamodb.names import TableKey, table_key
from lambent.services.dynamodb.store import SQL
from lambent.services.dynamodb.writing import Moment
from lambent.services.operation import Request, RequestContext
from lambent.store.api import Database, Transaction

T = TypeVar("T")
Plan = Callable[[Table], tuple[Table, Callable[[Transaction], Any]]]
"""A table's next definition, and the work that goes with it; the definition itself is kept by `change`."""


class Live:
    """A table as it is now."""

    __slots__ = ("_clock", "meter", "table")

    def __init__(self, table: Table, clock: Clock) -> None:
        self.table, self._clock = table, clock
        self.meter = Meter(table, clock)

    def become(self, table: Table) -> None:
        """The definition has changed."""
        before, self.table = self.table, table
        limits = [(each.billing, each.throughput, each.indexes) for each in (before, table)]
        if limits[0] != limits[1]:
            self.meter = Meter(table, self._clock)


class Catalog:
    """Opened by `open`. All but the works happens on the event loop."""

    def __init__(self, database: Database, clock: Clock, ids: Ids, quotas: Quotas) -> None:
        self.database, self.clock, self.ids, self.quotas = database, clock, ids, quotas
        self._tables: dict[TableKey, Live] = {}
        self._one_change = asyncio.Lock()
        self._changes: set[asyncio.Task[Any]] = set()
        self._waiting: dict[int, asyncio.Event] = {}
        self.work_to_do = asyncio.Event()

    async def open(self) -> None:
        """Read what there is."""

        def read(tx: Transaction) -> tuple[list[Table], list[int]]:
            numbers = [store.last_number(tx, each) for each in (SQL.last_space, SQL.last_stream, SQL.last_shard)]
            return store.all_tables(tx), numbers

        tables, last = await self.database.read(read)
        self._tables = {table.key: Live(table, self.clock) for table in tables}
        self.spaces, self.streams, self.shards = (itertools.count(number + 1) for number in last)

    def __iter__(self) -> Iterator[Live]:
        return iter(list(self._tables.values()))

    def of_account(self, account: str, region: str) -> list[Live]:
        """The tables of an account in a Region, by name."""
        found = [live for key, live in self._tables.items() if (key.account, key.region) == (account, region)]
        return sorted(found, key=lambda live: live.table.key.name)

    def find(self, key: TableKey, *, named: bool = False) -> Live:
        """The table. Raises TableNotFound, which names the table where `named`."""
        live = self._tables.get(key)
        if live is None:
            raise no_table(key.name if named else "")
        return live

    def get(self, key: TableKey) -> Live | None:
        """The table, if it exists."""
        return self._tables.get(key)

    def of_request(self, ctx: RequestContext, request: Request, *, named: bool = False) -> Live:
        """The table of a request's TableName. Raises TableNotFound."""
        return self.find(table_key(ctx, request["TableName"]), named=named)

    def moment(self, *, by_service: bool = False) -> Moment:
        """Now."""
        return Moment(self.clock.now_ms(), self.ids, by_service)

    async def add(self, table: Table, work: Callable[[Transaction], Any]) -> Live:
        """A new table. Raises TableInUse."""
        return await self._to_the_end(self._add(table, work))

    async def _add(self, table: Table, work: Callable[[Transaction], Any]) -> Live:
        async with self._one_change:
            if table.key in self._tables:
                raise TableInUse(f"Table already exists: {table.key.name}")
            live = self._tables[table.key] = Live(table, self.clock)
            try:
                await self.database.write(_both(work, lambda tx: store.put_table(tx, table)))
            except BaseException:
                del self._tables[table.key]
                raise
            return live

    async def remove(self, key: TableKey, plan: Callable[[Table], Callable[[Transaction], Any]]) -> Table:
        """A table goes. Raises TableNotFound."""
        return await self._to_the_end(self._remove(key, plan))

    async def _remove(self, key: TableKey, plan: Callable[[Table], Callable[[Transaction], Any]]) -> Table:
        async with self._one_change:
            live = self.find(key, named=True)
            work = plan(live.table)
            del self._tables[key]
            try:
                await self.database.write(_both(work, lambda tx: store.delete_table(tx, live.table)))
            except BaseException:
                self._tables[key] = live
                raise
            self.work_to_do.set()
            return live.table

    async def change(self, key: TableKey, plan: Plan) -> Table:
        """A table's definition changes, planned on what the change before has left. Raises TableNotFound."""
        return await self._to_the_end(self._change(key, plan))

    async def _change(self, key: TableKey, plan: Plan) -> Table:
        async with self._one_change:
            live = self.find(key, named=True)
            before = live.table
            after, work = plan(before)
            live.become(after)
            try:
                await self.database.write(_both(work, lambda tx: store.put_table(tx, after)))
            except BaseException:
                live.become(before)
                raise
            self.work_to_do.set()
            return after

    async def _to_the_end(self, doing: Coroutine[Any, Any, T]) -> T:
        """Wait for `doing`, which goes on when the caller goes away."""
        task = asyncio.get_running_loop().create_task(doing)
        self._changes.add(task)
        task.add_done_callback(self._changed)
        return await asyncio.shield(task)

    def _changed(self, task: asyncio.Task[Any]) -> None:
        self._changes.discard(task)
        if not task.cancelled():
            task.exception()  # the caller has it, or went away

    async def close(self) -> None:
        """Finish what was begun, and wake who waits."""
        await asyncio.gather(*self._changes, return_exceptions=True)
        for waiting in self._waiting.values():
            waiting.set()

    # --- who waits for records of a stream

    def recorded(self, table: Table) -> None:
        """Something may have been written to the table's stream: wake who waits for it."""
        if table.stream is not None and (waiting := self._waiting.pop(table.stream.id, None)) is not None:
            waiting.set()

    def next_record(self, stream: int) -> asyncio.Event:
        """An event that is set when the stream may have records that are not there now."""
        return self._waiting.setdefault(stream, asyncio.Event())


def _both(one: Callable[[Transaction], Any], other: Callable[[Transaction], Any]) -> Callable[[Transaction], None]:
    def work(tx: Transaction) -> None:
        one(tx)
        other(tx)

    return work
