"""The functions of metric math that Lambent has. Pure.

A function of a series gives a number, one of a list of series a series: AVG(m1) is a number, AVG([m1, m2]) the
series of the averages at each moment. Sums of nothing at a moment are not there, as on AWS.

Source: CloudWatch User Guide, "Using math expressions with CloudWatch metrics", table of functions. The others of
that table are refused by name.
"""

import itertools
import math
import statistics
from collections.abc import Callable, Mapping, Sequence

from lambent.services.cloudwatch.errors import InvalidQuery
from lambent.services.cloudwatch.expressions.values import Series, Value, array_of, mapped, series_of

Fold = Callable[[Sequence[float]], float]
Function = Callable[[Sequence[Value], range], Value]
"""What it is given, and the moments of the request at its period (for FILL and TIME_SERIES)."""


def fold(name: str, what: Fold) -> Function:
    """A function such as AVG."""

    def function(arguments: Sequence[Value], _: range) -> Value:
        (value,) = counted(name, arguments, 1)
        if isinstance(value, Series):
            if not value.values:
                raise InvalidQuery(f"Error in expression: {name} of a time series without values")
            return what(list(value.values.values()))
        return across(array_of(value, name), what)

    return function


def across(series: Sequence[Series], what: Fold) -> Series:
    """The series of `what` of all values of a moment."""
    together: dict[int, list[float]] = {}
    for each in series:
        for at_s, value in each.values.items():
            together.setdefault(at_s, []).append(value)
    period_s = max((each.period_s for each in series), default=60)
    return Series({at_s: what(values) for at_s, values in together.items()}, period_s)


def pointwise(name: str, what: Callable[[float], float | None]) -> Function:
    """A function such as ABS."""

    def function(arguments: Sequence[Value], _: range) -> Value:
        (value,) = counted(name, arguments, 1)
        return mapped(value, what, name)

    return function


def counted(name: str, arguments: Sequence[Value], count: int) -> Sequence[Value]:
    """The arguments, which have to be so many."""
    if len(arguments) != count:
        raise InvalidQuery(f"Error in expression: {name} takes {count} argument(s), {len(arguments)} were given")
    return arguments


def fill(arguments: Sequence[Value], moments: range) -> Value:
    """FILL: values for the moments that have none: a number, REPEAT of the last one, or LINEAR in between."""
    value, how = counted("FILL", arguments, 2)
    if isinstance(value, list):
        return [_filled(each, how, moments) for each in value]
    return _filled(series_of(value, "FILL"), how, moments)


def _filled(series: Series, how: Value, moments: range) -> Series:
    known = series.values
    if isinstance(how, float):
        found = {at_s: known.get(at_s, how) for at_s in moments}
    elif how == "REPEAT":
        found = _repeated(known, moments)
    elif how == "LINEAR":
        found = _between(known, moments)
    else:
        raise InvalidQuery("Error in expression: FILL takes a number, REPEAT or LINEAR as its second argument")
    return Series(found | known, series.period_s, series.label)


def _repeated(known: Mapping[int, float], moments: range) -> dict[int, float]:
    found, last = {}, None
    for at_s in moments:
        last = known.get(at_s, last)
        if last is not None:
            found[at_s] = last
    return found


def _between(known: Mapping[int, float], moments: range) -> dict[int, float]:
    found, corners = {}, sorted(known)
    for left_s, right_s in itertools.pairwise(corners):
        rise = (known[right_s] - known[left_s]) / (right_s - left_s)
        for at_s in range(left_s, right_s, moments.step):
            found[at_s] = known[left_s] + rise * (at_s - left_s)
    return found


def _steps(name: str, what: Callable[[float, float, int], float]) -> Function:
    """A function of two neighbours: their difference, and the seconds between them."""

    def one(series: Series) -> Series:
        moments = sorted(series.values)
        found = {
            at_s: what(series.values[before_s], series.values[at_s], at_s - before_s)
            for before_s, at_s in itertools.pairwise(moments)
        }
        return Series(found, series.period_s, series.label)

    def function(arguments: Sequence[Value], _: range) -> Value:
        (value,) = counted(name, arguments, 1)
        return [one(each) for each in value] if isinstance(value, list) else one(series_of(value, name))

    return function


def running_sum(arguments: Sequence[Value], _: range) -> Value:
    """RUNNING_SUM: the sum so far."""
    (value,) = counted("RUNNING_SUM", arguments, 1)
    series, total, found = series_of(value, "RUNNING_SUM"), 0.0, {}
    for at_s in sorted(series.values):
        total += series.values[at_s]
        found[at_s] = total
    return Series(found, series.period_s, series.label)


def period(arguments: Sequence[Value], _: range) -> Value:
    """PERIOD: of a series, in seconds."""
    (value,) = counted("PERIOD", arguments, 1)
    return float(series_of(value, "PERIOD").period_s)


def metric_count(arguments: Sequence[Value], _: range) -> Value:
    """METRIC_COUNT: how many series are in a list."""
    (value,) = counted("METRIC_COUNT", arguments, 1)
    return float(len(array_of(value, "METRIC_COUNT")))


def time_series(arguments: Sequence[Value], moments: range) -> Value:
    """TIME_SERIES: a number, at each moment."""
    (value,) = counted("TIME_SERIES", arguments, 1)
    if not isinstance(value, float):
        raise InvalidQuery("Error in expression: TIME_SERIES needs a number")
    return Series(dict.fromkeys(moments, value), moments.step)


FUNCTIONS: Mapping[str, Function] = {
    "SUM": fold("SUM", math.fsum),
    "AVG": fold("AVG", statistics.fmean),
    "MIN": fold("MIN", min),
    "MAX": fold("MAX", max),
    "STDDEV": fold("STDDEV", statistics.pstdev),
    "ABS": pointwise("ABS", abs),
    "CEIL": pointwise("CEIL", lambda value: float(math.ceil(value))),
    "FLOOR": pointwise("FLOOR", lambda value: float(math.floor(value))),
    "LOG": pointwise("LOG", lambda value: math.log(value) if value > 0 else None),
    "LOG10": pointwise("LOG10", lambda value: math.log10(value) if value > 0 else None),
    "FILL": fill,
    "RATE": _steps("RATE", lambda before, after, seconds: (after - before) / seconds),
    "DIFF": _steps("DIFF", lambda before, after, _: after - before),
    "RUNNING_SUM": running_sum,
    "PERIOD": period,
    "METRIC_COUNT": metric_count,
    "TIME_SERIES": time_series,
}
