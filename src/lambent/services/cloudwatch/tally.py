"""What the other rooms measure, collected in memory and written down every second. A Meter and a Collector
(model/meter.py)."""

import structlog

from lambent.clock import Clock
from lambent.model.meter import Collected, Dimensions
from lambent.services.cloudwatch import store
from lambent.services.cloudwatch.model import (
    MINUTE,
    MetricKey,
    Point,
    Slot,
    joined,
    point_of,
    point_of_counts,
    start_of,
)
from lambent.store.api import Database, StoreFailed

EVERY_S = 1.0
log = structlog.get_logger()


class Tally:
    """Everything happens on one event loop."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self._points: dict[Slot, Point] = {}

    def measure(
        self, place: tuple[str, str], namespace: str, values: dict[str, float], dimensions: Dimensions, unit: str
    ) -> None:
        """See `Meter`."""
        start_s = start_of(self._clock.now_s(), MINUTE)
        for name, value in values.items():
            self._add(Slot(MetricKey(*place, namespace, name, dimensions), start_s, MINUTE, unit), point_of(value))

    def collect(self, collected: Collected) -> None:
        """See `Collector`."""
        point, start_s = point_of_counts(collected.values), start_of(collected.start_s, MINUTE)
        for dimensions in collected.dimensions:
            key = MetricKey(*collected.place, collected.namespace, collected.name, dimensions)
            self._add(Slot(key, start_s, MINUTE, collected.unit), point)

    def _add(self, slot: Slot, point: Point) -> None:
        before = self._points.get(slot)
        self._points[slot] = point if before is None else joined(before, point)

    async def write(self) -> None:
        """Return once all that was measured before is in the database; what cannot be written is kept for later."""
        taken, self._points = self._points, {}
        if not taken:
            return
        try:
            await self._database.write(lambda tx: store.add_points(tx, taken))
        except StoreFailed:
            for slot, point in self._points.items():
                taken[slot] = joined(taken[slot], point) if slot in taken else point
            self._points = taken
            raise

    async def run(self) -> None:
        """Write every second until cancelled. While the disk refuses, it tries again."""
        while True:
            await self._clock.sleep(EVERY_S)
            try:
                await self.write()
            except StoreFailed as error:
                log.error("metrics are not kept", action="metrics.write", reason=str(error))
