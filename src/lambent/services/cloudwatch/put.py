"""PutMetricData: points from outside. Checked, then kept; all of a request or nothing.

Sources: botocore's model `cloudwatch`; API reference, PutMetricData and MetricDatum (150 values, 1,000 metrics,
two weeks back and two hours ahead, magnitudes up to 2 ** 360, namespaces of AWS are AWS's own).
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from lambent.clock import Clock
from lambent.errors import NotImplementedByLambent
from lambent.services.cloudwatch import store
from lambent.services.cloudwatch.errors import InvalidCombination, InvalidParameterValue, MissingParameter
from lambent.services.cloudwatch.model import (
    MINUTE,
    SECOND,
    Dimensions,
    MetricKey,
    Point,
    Slot,
    joined,
    point_of,
    point_of_set,
    start_of,
)
from lambent.services.operation import Request, RequestContext, operation
from lambent.store.api import Database

MOST_METRICS, MOST_VALUES = 1_000, 150
OLDEST_S, NEWEST_S = 14 * 86_400, 2 * 3_600
LARGEST = 2.0**360
Datum = Mapping[str, Any]


class PutMetricData:
    """Takes points."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    @operation("PutMetricData")
    async def put_metric_data(self, ctx: RequestContext, request: Request) -> None:
        """Keep the points of a request; they are on disk when this returns."""
        points = points_of(ctx, request, self._clock.now_s())
        await self._database.write(lambda tx: store.add_points(tx, points))


def points_of(ctx: RequestContext, request: Request, now_s: float) -> dict[Slot, Point]:
    """The points of a request. Raises what PutMetricData answers."""
    namespace, data = request["Namespace"], request.get("MetricData") or []
    if namespace.startswith("AWS/"):
        raise InvalidParameterValue("The value AWS/ for parameter Namespace is invalid.")
    if request.get("EntityMetricData"):
        raise NotImplementedByLambent("EntityMetricData is not implemented by this version of Lambent; use MetricData.")
    if not data:
        raise MissingParameter("The parameter MetricData is required.")
    if len(data) > MOST_METRICS:
        raise InvalidParameterValue(f"The collection MetricData must not have a size greater than {MOST_METRICS}.")
    points: dict[Slot, Point] = {}
    for number, datum in enumerate(data, start=1):
        where = f"MetricData.member.{number}"
        key = MetricKey(ctx.account, ctx.region, namespace, datum["MetricName"], dimensions_of(datum, where))
        span_s = _span_s(datum, where)
        slot = Slot(key, start_of(_moment_s(datum, where, now_s), span_s), span_s, datum.get("Unit", "None"))
        for point in _points(datum, where):
            points[slot] = joined(points[slot], point) if slot in points else point
    return points


def dimensions_of(request: Mapping[str, Any], where: str = "") -> Dimensions:
    """The dimensions, sorted. Raises InvalidParameterValue when a name stands twice."""
    pairs = sorted((each["Name"], each["Value"]) for each in request.get("Dimensions") or ())
    if len({name for name, _ in pairs}) < len(pairs):
        raise InvalidParameterValue(f"No two dimensions of {where or 'Dimensions'} may have the same name.")
    return tuple(pairs)


def _span_s(datum: Datum, where: str) -> int:
    span_s: int = datum.get("StorageResolution", MINUTE)
    if span_s not in (SECOND, MINUTE):
        raise InvalidParameterValue(f"The value {span_s} for parameter {where}.StorageResolution is invalid.")
    return span_s


def _moment_s(datum: Datum, where: str, now_s: float) -> float:
    moment_s: float = datum["Timestamp"].timestamp() if "Timestamp" in datum else now_s
    if not now_s - OLDEST_S <= moment_s <= now_s + NEWEST_S:
        raise InvalidParameterValue(
            f"The parameter {where}.Timestamp must specify a time no more than two weeks in the past, "
            "and no more than two hours in the future."
        )
    return moment_s


def _points(datum: Datum, where: str) -> Iterator[Point]:
    forms = [name for name in ("Value", "Values", "StatisticValues") if datum.get(name) is not None]
    if not forms:
        raise MissingParameter(f"At least one of the parameters must be specified: {where}.Value.")
    if len(forms) > 1:
        names = " and ".join(f"{where}.{name}" for name in forms[:2])
        raise InvalidCombination(f"The parameters {names} are mutually exclusive and you have specified both.")
    if datum.get("Counts") is not None and forms != ["Values"]:
        raise InvalidCombination(f"The parameter {where}.Counts needs {where}.Values.")
    if forms == ["StatisticValues"]:
        yield _set(datum["StatisticValues"], f"{where}.StatisticValues")
        return
    values = [datum["Value"]] if forms == ["Value"] else datum["Values"]
    counts = datum.get("Counts") or [1.0] * len(values)
    if not values or len(values) > MOST_VALUES or len(counts) != len(values):
        raise InvalidParameterValue(
            f"The parameters {where}.Values and {where}.Counts must have the same size, of 1 to {MOST_VALUES}."
        )
    for value, count in zip(values, counts, strict=True):
        _check(value, f"{where}.Value")
        if not 0 < count <= LARGEST:
            raise InvalidParameterValue(f"The value {count} for parameter {where}.Counts is invalid.")
        yield point_of(float(value), float(count))


def _set(values: Mapping[str, float], where: str) -> Point:
    count, total = values["SampleCount"], values["Sum"]
    minimum, maximum = values["Minimum"], values["Maximum"]
    for name, value in values.items():
        _check(value, f"{where}.{name}")
    if count <= 0:
        raise InvalidParameterValue(f"The parameter {where}.SampleCount must be greater than 0.")
    if minimum > maximum:
        raise InvalidParameterValue(f"The parameter {where}.Maximum must be greater than or equal to Minimum.")
    return point_of_set(float(count), float(total), float(minimum), float(maximum))


def _check(value: float, where: str) -> None:
    if not math.isfinite(value) or abs(value) > LARGEST:
        raise InvalidParameterValue(f"The value {value} for parameter {where} is invalid.")
