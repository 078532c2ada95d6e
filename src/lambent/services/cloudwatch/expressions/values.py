"""What expressions are made of: numbers, series, and lists of series. Pure."""

from collections.abc import Callable

from msgspec import Struct

from lambent.services.cloudwatch.errors import InvalidQuery


class Series(Struct, frozen=True):
    """Values by their moments, in whole seconds; `label` is what an answer calls it."""

    values: dict[int, float]
    period_s: int
    label: str = ""


Value = float | str | Series | list[Series]


def series_of(value: Value, function: str) -> Series:
    """The value as one series. Raises InvalidQuery."""
    if isinstance(value, Series):
        return value
    raise InvalidQuery(f"Error in expression: {function} needs a time series")


def array_of(value: Value, function: str) -> list[Series]:
    """The value as a list of series. Raises InvalidQuery."""
    if isinstance(value, list):
        return value
    raise InvalidQuery(f"Error in expression: {function} needs a list of time series, such as [m1, m2] or METRICS()")


def mapped(value: Value, what: Callable[[float], float | None], function: str) -> Value:
    """`what` of each value; moments for which there is none are left out."""
    if isinstance(value, float):
        result = what(value)
        if result is None:
            raise InvalidQuery(f"Error in expression: {function} of {value} does not exist")
        return result
    if isinstance(value, list):
        return [_mapped(each, what) for each in value]
    return _mapped(series_of(value, function), what)


def _mapped(series: Series, what: Callable[[float], float | None]) -> Series:
    found = {at_s: result for at_s, value in series.values.items() if (result := what(value)) is not None}
    return Series(found, series.period_s, series.label)
