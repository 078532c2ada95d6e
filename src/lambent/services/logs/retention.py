"""PutRetentionPolicy, DeleteRetentionPolicy, and the deletion of what has outlived them."""

from lambent.clock import Clock
from lambent.services.logs import store
from lambent.services.logs.errors import InvalidParameter
from lambent.services.logs.store import SQL, place_of
from lambent.services.operation import Request, RequestContext, operation
from lambent.store.api import Database, Transaction

DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
SWEEP_S = 3600.0  # AWS deletes within 72 hours
SWEEP_CHUNKS = 1000  # in one transaction, so that writers need not wait long


class Retention:
    """How long the events of a group are kept."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    @operation("PutRetentionPolicy")
    async def put_retention_policy(self, ctx: RequestContext, request: Request) -> None:
        """Keep the events of a group for so many days."""
        days = request["retentionInDays"]
        if days not in DAYS:
            raise InvalidParameter(
                f"1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint: "
                f"Member must satisfy enum value set: [{', '.join(str(each) for each in DAYS)}]"
            )
        await self._set(ctx, request["logGroupName"], days)

    @operation("DeleteRetentionPolicy")
    async def delete_retention_policy(self, ctx: RequestContext, request: Request) -> None:
        """Keep the events of a group for ever."""
        await self._set(ctx, request["logGroupName"], None)

    async def sweep(self) -> int:
        """Delete the chunks whose last event has outlived its group's retention; how many they were."""
        deleted, now_ms = 0, self._clock.now_ms()
        while True:
            count = await self._database.write(lambda tx: _sweep_some(tx, now_ms))
            deleted += count
            if count < SWEEP_CHUNKS:
                return deleted

    async def run(self) -> None:
        """Sweep now and every hour, until cancelled."""
        while True:
            await self.sweep()
            await self._clock.sleep(SWEEP_S)

    async def _set(self, ctx: RequestContext, name: str, days: int | None) -> None:
        def change(tx: Transaction) -> None:
            group = store.group(tx, place_of(ctx), name)
            tx.run(SQL.set_retention, group_id=group["id"], retention_days=days)

        await self._database.write(change)


def _sweep_some(tx: Transaction, now_ms: int) -> int:
    gone = tx.all(SQL.delete_expired_chunks, now_ms=now_ms, limit=SWEEP_CHUNKS)
    tx.run_many(SQL.shrink_stream, gone)
    return len(gone)
