"""What has to go: messages past their retention, what purged and deleted queues left, what FIFO queues need not
remember any longer. Once a minute and at the start, in small works, so that nobody waits behind them.

Receivers never see an expired message, whether this has run or not.
"""

import structlog

from lambent.services.sqs import groups
from lambent.services.sqs.broker import Broker, Live
from lambent.services.sqs.census import Change
from lambent.services.sqs.store import SQL
from lambent.store.api import StoreFailed, Transaction

EVERY_S = 60.0
AT_ONCE = 500

log = structlog.get_logger()


class Sweep:
    """The broom."""

    def __init__(self, broker: Broker) -> None:
        self._broker, self._clock = broker, broker.clock

    async def run(self) -> None:
        """Sweep now and every minute, until cancelled."""
        while True:
            try:
                await self.sweep()
            except StoreFailed as error:
                log.error("queues are not swept", action="sqs.sweep", reason=str(error))
            await self._clock.sleep(EVERY_S)

    async def sweep(self) -> None:
        """Sweep everything once."""
        for live in self._broker:
            while await self._expire(live) == AT_ONCE:
                pass
        lanes = await self._broker.database.read(lambda tx: [row["id"] for row in tx.all(SQL.abandoned_lanes)])
        for lane in lanes:
            while await self._broker.commit(lambda tx, lane=lane: _empty(tx, lane)):  # type: ignore[misc]
                pass
        now_ms = self._clock.now_ms()
        await self._broker.commit(lambda tx: _forget(tx, now_ms, self._broker.quotas.queue_name_rest_s * 1000))

    async def _expire(self, live: Live) -> int:
        queue, census, now_ms = live.queue, live.line.census, self._clock.now_ms()
        before_ms = now_ms - queue.settings.retention_s * 1000
        oldest = await self._broker.database.read(
            lambda tx: tx.one(SQL.expired_messages, lane=queue.lane, before_ms=before_ms, limit=1)
        )
        if oldest is None:
            return 0

        def follow(done: tuple[list[Change], int]) -> None:
            live.line.tell(census, *done)

        changes, _ = await self._broker.commit(lambda tx: _expire_some(tx, queue.lane, before_ms, now_ms), follow)
        return len(changes)


def _expire_some(tx: Transaction, lane: int, before_ms: int, now_ms: int) -> tuple[list[Change], int]:
    rows = tx.all(SQL.expired_messages, lane=lane, before_ms=before_ms, limit=AT_ONCE)
    _delete_all(tx, [row["id"] for row in rows])
    freed = sum(groups.refresh(tx, group, now_ms) for group in {row["group_id"] for row in rows})
    return [Change(was_ms=row["visible_ms"], was_received=row["receives"] > 0) for row in rows], freed


def _empty(tx: Transaction, lane: int) -> int:
    """Delete some of an abandoned lane's messages; in the end the lane. How much is left to do, zero for nothing."""
    rows = tx.all(SQL.messages_of_lane, lane=lane, limit=AT_ONCE)
    _delete_all(tx, [row["id"] for row in rows])
    gone = tx.run(SQL.delete_groups_of_lane, lane=lane, limit=AT_ONCE)
    if not rows and not gone:
        tx.run(SQL.delete_lane, lane=lane)
    return len(rows) + gone


def _delete_all(tx: Transaction, messages: list[int]) -> None:
    numbers = [{"id": message} for message in messages]
    tx.run_many(SQL.delete_message, numbers)
    tx.run_many(SQL.delete_content, numbers)


def _forget(tx: Transaction, now_ms: int, name_rest_ms: int) -> None:
    tx.run(SQL.delete_deduplication, now_ms=now_ms)
    tx.run(SQL.delete_attempts, now_ms=now_ms)
    tx.run(SQL.delete_rested, before_ms=now_ms - name_rest_ms)
