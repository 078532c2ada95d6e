"""Notifications, from the change that they tell of to the common road of deliveries.

`add` writes them in the transaction of the change; `run` hands over what is committed, and forgets it once the road has
it on disk: after a crash between the two the road gets some twice, and none never.
"""

import asyncio
from collections.abc import Callable
from typing import TypeVar

import structlog
from msgspec import json, structs

from lambent.clock import Clock
from lambent.delivery.api import Delivery
from lambent.errors import Unavailable
from lambent.ids import Ids
from lambent.services.s3 import store
from lambent.services.s3.api import Outbox
from lambent.services.s3.events import Happened, Rules, deliveries_of
from lambent.services.s3.model import Bucket
from lambent.services.s3.store import SQL
from lambent.store.api import Database, StoreFailed, Transaction

SETTING = "notification"
BATCH = 500
PAUSE_S = 1.0
T = TypeVar("T")
log = structlog.get_logger()
_rules = json.Decoder(Rules).decode
_delivery = json.Decoder(Delivery).decode


class Notifier:
    """Who tells."""

    def __init__(self, database: Database, clock: Clock, ids: Ids, outbox: Outbox) -> None:
        self._database, self._clock, self._ids, self._outbox = database, clock, ids, outbox
        self._wake = asyncio.Event()
        self._added = 0

    def add(self, tx: Transaction, bucket: Bucket, what: Happened) -> None:
        """Write down what is to be told of a change, if anything."""
        body = store.setting(tx, bucket, SETTING)
        if body is None:
            return
        what = structs.replace(what, at_ms=self._clock.now_ms())
        for each in deliveries_of(bucket, _rules(body), what, self._ids.uuid()):
            tx.run(SQL.add_outgoing, body=json.encode(each))
            self._added += 1

    async def committed(self, work: Callable[[Transaction], T]) -> T:
        """Commit `work`; if it added something, that is on its way. A `run` that looks between an `add` and its commit
        finds nothing, so it is woken after each commit that has something for it, and by nothing else."""

        def watched(tx: Transaction) -> tuple[T, bool]:
            before = self._added  # one unit of work runs at a time
            return work(tx), self._added != before

        done, added = await self._database.write(watched)
        if added:
            self._wake.set()
        return done

    async def run(self) -> None:
        """Hand over until cancelled."""
        while True:
            self._wake.clear()
            try:
                while await self.hand_over():
                    pass
            except (StoreFailed, Unavailable) as error:
                log.error("notifications wait", action="s3.notify", error=str(error))
                await self._clock.sleep(PAUSE_S)
                continue
            await self._wake.wait()

    async def hand_over(self) -> int:
        """Hand over the oldest; how many."""
        rows = await self._database.read(lambda tx: tx.all(SQL.outgoing, count=BATCH))
        if rows:
            await self._outbox.put([_delivery(row["body"]) for row in rows])
            await self._database.write(lambda tx: tx.run(SQL.delete_outgoing, id=rows[-1]["id"]))
        return len(rows)
