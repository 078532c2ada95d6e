"""CloudWatch metrics: kept, found, and calculated with.

What happens to functions comes through the journal (lambda_metrics.py), what other services count through a Meter
(tally.py), everything else through PutMetricData. Before an operation looks, it awaits what is on its way, so that an
invocation that was answered is counted.

Left out, and so answered with NotImplemented: alarms, dashboards, anomaly detection, Metrics Insights, metric
streams, and whatever else the model names and no module here does. Refused by name: entities, other accounts,
statistics other than the plain ones and percentiles, functions that expressions/functions.py lacks.

Accounts and Regions share nothing: both are part of the key of every metric.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from lambent.clock import Clock
from lambent.loops import for_ever
from lambent.services.cloudwatch import store
from lambent.services.cloudwatch.get_data import GetMetricData
from lambent.services.cloudwatch.get_statistics import GetMetricStatistics
from lambent.services.cloudwatch.listing import ListMetrics
from lambent.services.cloudwatch.put import PutMetricData
from lambent.services.cloudwatch.retention import Retention
from lambent.services.cloudwatch.tally import Tally
from lambent.services.cloudwatch.totals import prometheus
from lambent.services.operation import Operation, operations_of
from lambent.store.api import Database

PACKAGE = store.PACKAGE  # whose schema the database has


class CloudWatchService:
    """Everything that answers for CloudWatch in control.

    Args:
        database: opened with the schema of PACKAGE; closing it is the caller's work.
        clock: for the time of points, and their age.
        catch_up: returns once everything that was journaled before is in the database.
        kept_days: how long points of 1 s, 1 min, 5 min and 1 h are kept.
    """

    def __init__(
        self, database: Database, clock: Clock, catch_up: Callable[[], Awaitable[None]], kept_days: Sequence[float]
    ) -> None:
        self._clock = clock
        self.meter = Tally(database, clock)
        self._database, self._journal = database, catch_up
        self._retention = Retention(database, clock, kept_days)
        self.operations: Mapping[str, Operation] = operations_of(
            PutMetricData(database, clock),
            ListMetrics(database, clock, self._catch_up),
            GetMetricStatistics(database, clock, self._catch_up),
            GetMetricData(database, self._catch_up),
        )

    async def run(self) -> None:
        """Keep what is measured, and roll up what is old; a task that its owner keeps and cancels."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(for_ever("metrics", self.meter.run, self._clock))
            tasks.create_task(for_ever("metrics retention", self._retention.run, self._clock))

    async def close(self) -> None:
        """Write what was measured last."""
        await self.meter.write()

    async def prometheus(self) -> str:
        """The totals of all functions, as Prometheus reads them."""
        await self._catch_up()
        return prometheus(await self._database.read(store.totals))

    async def _catch_up(self) -> None:
        await self._journal()
        await self.meter.write()
