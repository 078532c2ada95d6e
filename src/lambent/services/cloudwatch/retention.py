"""Points grow together as they age, and are deleted in the end.

Source: CloudWatch User Guide, "Metrics retention": points under a minute for 3 hours, of a minute for 15 days,
of five minutes for 63 days, of an hour for 455 days; what is shorter is then found under the longer span.
"""

from collections.abc import Sequence

from lambent.clock import Clock
from lambent.services.cloudwatch import store
from lambent.services.cloudwatch.model import FIVE_MINUTES, HOUR, MINUTE, SECOND, start_of
from lambent.services.cloudwatch.store import SQL
from lambent.store.api import Database, Transaction

SPANS = (SECOND, MINUTE, FIVE_MINUTES, HOUR)
EVERY_S = 600.0
AT_ONCE = 500  # points in one transaction, so that writers need not wait long
DAY_S = 86_400


class Retention:
    """Rolls points up.

    Args:
        kept_days: how long points of each span are kept, shortest span first.
    """

    def __init__(self, database: Database, clock: Clock, kept_days: Sequence[float]) -> None:
        self._database, self._clock = database, clock
        self._kept_s = [round(days * DAY_S) for days in kept_days]

    async def run(self) -> None:
        """Sweep now and every ten minutes, until cancelled."""
        while True:
            await self.sweep()
            await self._clock.sleep(EVERY_S)

    async def sweep(self) -> None:
        """Join what has outlived its span into the next, and delete what has outlived the last."""
        now_s = int(self._clock.now_s())
        for span_s, longer_s, kept_s in zip(SPANS, SPANS[1:], self._kept_s, strict=False):
            before_s = start_of(now_s - kept_s, longer_s)  # whole longer spans, so that no point is split
            while await self._database.write(lambda tx: _roll(tx, span_s, longer_s, before_s)) == AT_ONCE:  # noqa: B023
                continue
        await self._database.write(lambda tx: _delete(tx, now_s - self._kept_s[-1]))


def _roll(tx: Transaction, span_s: int, longer_s: int, before_s: int) -> int:
    rows = tx.all(SQL.old_points, span_s=span_s, before_s=before_s, limit=AT_ONCE)
    for row in rows:
        where = start_of(row["start_s"], longer_s), longer_s, row["unit"]
        store.add_point(tx, row["metric_id"], where, store.point_in(row))
        tx.run(SQL.delete_point, metric_id=row["metric_id"], start_s=row["start_s"], span_s=span_s, unit=row["unit"])
    return len(rows)


def _delete(tx: Transaction, before_s: int) -> None:
    tx.run(SQL.delete_old_points, span_s=HOUR, before_s=before_s)
    tx.run(SQL.delete_empty_metrics, before_s=before_s)
