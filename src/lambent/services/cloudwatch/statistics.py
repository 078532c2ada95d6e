"""Statistics by their names, and series of them over periods. Pure.

Source: CloudWatch User Guide, "Statistics definitions". Trimmed means, winsorised means, percentile ranks and
the like (tm, wm, tc, ts, PR, IQM) are refused by name; AWS has them.
"""

import re
from collections.abc import Callable, Iterable, Mapping

from lambent.services.cloudwatch.errors import InvalidParameterValue
from lambent.services.cloudwatch.model import Point, joined, start_of
from lambent.services.cloudwatch.sketch import percentile

PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,10})?|100(?:\.0{1,10})?)")
OTHER = re.compile(r"(?:tm|wm|tc|ts|p|iqm)(?:\d|\()?|PR\(|(?:TM|WM|TC|TS|IQM)", re.IGNORECASE)
Statistic = Callable[[Point], float | None]
"""What a point says; None when it cannot."""

PLAIN: Mapping[str, Statistic] = {
    "SampleCount": lambda point: point.sample_count,
    "Sum": lambda point: point.total,
    "Average": lambda point: point.total / point.sample_count if point.sample_count else None,
    "Minimum": lambda point: point.minimum,
    "Maximum": lambda point: point.maximum,
}


def statistic(name: str) -> Statistic:
    """The statistic called `name`. Raises InvalidParameterValue."""
    if name in PLAIN:
        return PLAIN[name]
    found = PERCENTILE.fullmatch(name)
    if found is None:
        what = "is not implemented by this version of Lambent" if OTHER.match(name) else "is not a valid statistic"
        raise InvalidParameterValue(
            f"The statistic {name} {what}. Use SampleCount, Sum, Average, Minimum, Maximum or a percentile such as p99."
        )
    percent = float(found[1])
    return lambda point: _percentile(point, percent)


def _percentile(point: Point, percent: float) -> float | None:
    if not point.sketch:
        return None
    if percent in (0, 100):
        return point.maximum if percent else point.minimum
    return min(point.maximum, max(point.minimum, percentile(point.sketch, percent)))


def by_period(points: Iterable[tuple[int, Point]], period_s: int, from_s: int = 0) -> dict[int, Point]:
    """Points, given with their moments, joined over periods that are counted from `from_s`."""
    found: dict[int, Point] = {}
    for moment_s, point in points:
        start_s = from_s + start_of(moment_s - from_s, period_s)
        found[start_s] = joined(found[start_s], point) if start_s in found else point
    return found


def check_period(period_s: int) -> None:
    """Raises InvalidParameterValue."""
    if period_s not in (1, 5, 10, 20, 30) and period_s % 60:
        raise InvalidParameterValue(
            "The parameter Period must be a multiple of 60, or one of 1, 5, 10, 20 and 30 for high resolution."
        )
