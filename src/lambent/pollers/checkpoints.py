"""How far the mappings of streams have come, on disk.

A mapping has an origin, settled once: whatever shard it meets, it begins there. A shard is read by a number of lanes,
each with a checkpoint of its own: everything up to it is done with. When a shard is to have another number of lanes,
all begin where the slowest was, so some records come once more, in their order.

A checkpoint is written only where a row for it is there: what a lane still says of a mapping that was deleted, or of
lanes that are not any more, is not kept.
"""

from collections.abc import Iterable

from msgspec import Struct

from lambent.pollers.api import PACKAGE, Mapping
from lambent.store.api import Database, Transaction
from lambent.store.sql import load_queries

SQL = load_queries(PACKAGE)
NO_STATE = b"{}"


class Spot(Struct, frozen=True):
    """Where a lane stands. `window_s`: when its open tumbling window began; `state`: what came of it, as JSON."""

    position: str
    ended: bool = False
    window_s: int | None = None
    state: bytes = NO_STATE


class Lane(Struct, frozen=True):
    """One of `lanes` lanes of a shard, counted from 0."""

    shard: str
    number: int
    lanes: int


class Checkpoints:
    """The tables of pollers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def origin(self, mapping: Mapping) -> str | None:
        """Where it begins; None before that was settled."""
        row = await self._database.read(lambda tx: tx.one(SQL.origin, **_key(mapping)))
        return None if row is None else str(row["origin"])

    async def begin_at(self, mapping: Mapping, origin: str) -> None:
        """Settle it, if it is not."""
        await self._database.write(lambda tx: tx.run(SQL.add_origin, origin=origin, **_key(mapping)))

    async def enter(self, mapping: Mapping, shard: str, lanes: int, origin: str) -> list[Spot]:
        """Where each of so many lanes of a shard stands."""
        return await self._database.write(lambda tx: _entered(tx, mapping, shard, lanes, origin))

    async def reach(self, mapping: Mapping, lane: Lane, spot: Spot) -> None:
        """Everything up to there is done with."""

        def work(tx: Transaction) -> None:
            tx.run(
                SQL.reach,
                shard=lane.shard,
                lane=lane.number,
                lanes=lane.lanes,
                position=spot.position,
                ended=int(spot.ended),
                window_s=spot.window_s,
                state=spot.state,
                **_key(mapping),
            )

        await self._database.write(work)

    async def shards(self, mapping: Mapping) -> dict[str, bool]:
        """The shards that lanes were begun for, and whether all of these have come to the shard's end."""
        rows = await self._database.read(lambda tx: tx.all(SQL.shards_seen, **_key(mapping)))
        return {row["shard"]: bool(row["ended"]) for row in rows}

    async def drop(self, mapping: Mapping, shards: Iterable[str]) -> None:
        """Forget these shards: their stream has none of their records any more."""
        rows = [{"shard": shard, **_key(mapping)} for shard in shards]
        if rows:
            await self._database.write(lambda tx: tx.run_many(SQL.delete_shard, rows))

    async def forget(self, mapping: Mapping) -> None:
        """The mapping is gone."""

        def work(tx: Transaction) -> None:
            tx.run(SQL.delete_checkpoints, **_key(mapping))
            tx.run(SQL.delete_origin, **_key(mapping))

        await self._database.write(work)


def _entered(tx: Transaction, mapping: Mapping, shard: str, lanes: int, origin: str) -> list[Spot]:
    rows = tx.all(SQL.checkpoints, shard=shard, **_key(mapping))
    if [row["lanes"] for row in rows] == [lanes] * lanes:
        return [Spot(row["position"], bool(row["ended"]), row["window_s"], row["state"]) for row in rows]
    start = min((row["position"] for row in rows), default=origin)
    tx.run(SQL.delete_shard, shard=shard, **_key(mapping))
    for lane in range(lanes):
        tx.run(SQL.add_checkpoint, shard=shard, lane=lane, lanes=lanes, position=start, **_key(mapping))
    return [Spot(start)] * lanes


def _key(mapping: Mapping) -> dict[str, str]:
    return {"account": mapping.function.account, "region": mapping.function.region, "mapping": mapping.uuid}
