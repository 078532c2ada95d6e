"""GetMetricStatistics: the statistics of one metric.

Source: API reference, GetMetricStatistics: up to 1,440 points; StartTime is included, EndTime is not; StartTime is
cut to the minute, beyond 15 days to five minutes, beyond 63 days to the hour. AWS gives points in no order;
here the earliest comes first.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from lambent.clock import Clock
from lambent.protocol.timestamps import from_epoch
from lambent.services.cloudwatch import store
from lambent.services.cloudwatch.errors import InvalidCombination, InvalidParameterValue
from lambent.services.cloudwatch.model import FIVE_MINUTES, HOUR, MINUTE, MetricKey, Point, start_of
from lambent.services.cloudwatch.put import dimensions_of
from lambent.services.cloudwatch.statistics import PLAIN, Statistic, by_period, check_period, statistic
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.store.api import Database

MOST_POINTS = 1_440
DAY_S = 86_400


class GetMetricStatistics:
    """Answers with the statistics of one metric."""

    def __init__(self, database: Database, clock: Clock, catch_up: Callable[[], Awaitable[None]]) -> None:
        self._database, self._clock, self._catch_up = database, clock, catch_up

    @operation("GetMetricStatistics")
    async def get_metric_statistics(self, ctx: RequestContext, request: Request) -> Answer:
        """The points of one metric, for each unit its own."""
        wanted, period_s = _wanted(request), request["Period"]
        from_s, until_s = self._range(request, period_s)
        key = MetricKey(ctx.account, ctx.region, request["Namespace"], request["MetricName"], dimensions_of(request))
        await self._catch_up()
        rows = await self._database.read(lambda tx: store.points(tx, key, (from_s, until_s), period_s))
        units = sorted({row["unit"] for row in rows} & {request.get("Unit", row["unit"]) for row in rows})
        shown = []
        for unit in units:
            points = ((row["start_s"], store.point_in(row)) for row in rows if row["unit"] == unit)
            for start_s, point in by_period(points, period_s, from_s).items():
                shown.append(_shape(start_s, unit, point, wanted))
        return {"Label": request["MetricName"], "Datapoints": sorted(shown, key=lambda each: each["Timestamp"])}

    def _range(self, request: Request, period_s: int) -> tuple[int, int]:
        from_s, until_s = request["StartTime"].timestamp(), request["EndTime"].timestamp()
        if from_s >= until_s:
            raise InvalidParameterValue("The parameter StartTime must be less than the parameter EndTime.")
        check_period(period_s)
        count = -(-(until_s - from_s) // period_s)
        if count > MOST_POINTS:
            raise InvalidCombination(
                f"You have requested up to {int(count):,} datapoints, which exceeds the limit of {MOST_POINTS:,}. You "
                "may reduce the datapoints requested by increasing Period, or decreasing the time range."
            )
        age_s = self._clock.now_s() - from_s
        grain_s = HOUR if age_s > 63 * DAY_S else FIVE_MINUTES if age_s > 15 * DAY_S else min(MINUTE, period_s)
        return start_of(from_s, grain_s), -int(-until_s // 1)


def _wanted(request: Request) -> dict[str, Statistic]:
    names = [*request.get("Statistics", ()), *request.get("ExtendedStatistics", ())]
    if not names:
        raise InvalidCombination("Must specify either Statistics or ExtendedStatistics.")
    return {name: statistic(name) for name in names}


def _shape(start_s: int, unit: str, point: Point, wanted: dict[str, Statistic]) -> dict[str, Any]:
    values = {name: value for name, of in wanted.items() if (value := of(point)) is not None}
    shape: dict[str, Any] = {"Timestamp": from_epoch(start_s), "Unit": unit}
    shape |= {name: value for name, value in values.items() if name in PLAIN}
    extended = {name: value for name, value in values.items() if name not in PLAIN}
    return shape | ({"ExtendedStatistics": extended} if extended else {})
