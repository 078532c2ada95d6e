"""What CloudWatch keeps: metrics by their names and dimensions, and points that hold values together. Pure."""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from lambent.services.cloudwatch import sketch
from lambent.services.cloudwatch.sketch import Sketch

SECOND, MINUTE, FIVE_MINUTES, HOUR = 1, 60, 300, 3600
Dimensions = tuple[tuple[str, str], ...]
"""Names and values, sorted."""


class MetricKey(Struct, frozen=True):
    """Which metric: account and Region are part of every key."""

    account: str
    region: str
    namespace: str
    name: str
    dimensions: Dimensions = ()


class Slot(Struct, frozen=True):
    """Where a value belongs: the metric, the span of time, and the unit."""

    metric: MetricKey
    start_s: int
    span_s: int = MINUTE
    unit: str = "None"


class Point(Struct):
    """Values taken together. `sketch` is None when single values are not known, so percentiles are not."""

    sample_count: float
    total: float
    minimum: float
    maximum: float
    sketch: Sketch | None


def point_of(value: float, count: float = 1.0) -> Point:
    """A point of one value that was there so many times."""
    spread = {sketch.bin_of(value): count} if value >= 0 else None
    return Point(count, value * count, value, value, spread)


def point_of_set(count: float, total: float, minimum: float, maximum: float) -> Point:
    """A point of a statistic set: its values are known only when they are all the same."""
    spread = {sketch.bin_of(minimum): count} if minimum == maximum and minimum >= 0 else None
    return Point(count, total, minimum, maximum, spread)


def joined(one: Point, other: Point) -> Point:
    """Both together."""
    spread = None
    if one.sketch is not None and other.sketch is not None:
        spread = sketch.added(one.sketch, other.sketch)
    return Point(
        one.sample_count + other.sample_count,
        one.total + other.total,
        min(one.minimum, other.minimum),
        max(one.maximum, other.maximum),
        spread,
    )


def point_of_all(values: Iterable[float]) -> Point:
    """A point of many values, of which there is at least one and none is negative."""
    values = list(values)
    spread: Sketch = {}
    bin_of = sketch.bin_of
    for value in values:
        number = bin_of(value)
        spread[number] = spread.get(number, 0.0) + 1.0
    return Point(float(len(values)), float(sum(values)), float(min(values)), float(max(values)), spread)


def point_of_counts(values: Mapping[int, int]) -> Point:
    """A point of values with how often each was seen; there is at least one, and none is negative."""
    spread: Sketch = {}
    for value, count in values.items():
        number = sketch.bin_of(value)
        spread[number] = spread.get(number, 0.0) + count
    total = sum(value * count for value, count in values.items())
    return Point(float(sum(values.values())), float(total), float(min(values)), float(max(values)), spread)


def start_of(moment_s: float, span_s: int) -> int:
    """The start of the span that a moment lies in."""
    return int(moment_s // span_s) * span_s
