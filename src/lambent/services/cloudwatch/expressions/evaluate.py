"""What an expression comes to. Pure.

`+ - * / ^` work on numbers, series and lists alike: two series meet at the moments that both have, and a
division by zero has no result at its moment.
"""

from collections.abc import Callable, Mapping

from lambent.services.cloudwatch.errors import InvalidQuery
from lambent.services.cloudwatch.expressions.functions import FUNCTIONS
from lambent.services.cloudwatch.expressions.syntax import Call, Name, Number, Several, Text, Tree
from lambent.services.cloudwatch.expressions.values import Series, Value, mapped, series_of

METRICS = "METRICS"
WORDS = {"REPEAT", "LINEAR"}
LARGEST = 1e300


class Scope:
    """What the names of an expression stand for.

    Args:
        results: the values of the other queries, by id.
        metrics: the ids of those that are metrics, in order.
        moments: every moment of the request, at the expression's period.
    """

    def __init__(self, results: Mapping[str, Value], metrics: list[str], moments: range) -> None:
        self._results, self._metrics, self.moments = results, metrics, moments

    def value(self, name: str) -> Value:
        if name in WORDS:
            return name
        if name not in self._results:
            raise InvalidQuery(f"Error in expression: there is no query with the id {name}")
        return self._results[name]

    def metrics(self, part: str) -> list[Series]:
        """The metrics whose ids contain `part`."""
        return [series_of(self._results[name], METRICS) for name in self._metrics if part in name]


def evaluate(tree: Tree, scope: Scope) -> Value:
    """The value of an expression. Raises InvalidQuery."""
    match tree:
        case Number(number):
            return number
        case Text(text):
            return text
        case Name(name):
            return scope.value(name)
        case Several(items):
            return [series_of(evaluate(item, scope), "a list") for item in items]
        case Call(function, parts) if function in OPERATORS:
            return _combined(OPERATORS[function], *(evaluate(part, scope) for part in parts), sign=function)
        case Call(function, parts):
            return _called(function, [evaluate(part, scope) for part in parts], scope)


def _called(function: str, arguments: list[Value], scope: Scope) -> Value:
    if function == METRICS:
        part = arguments[0] if arguments else ""
        if len(arguments) > 1 or not isinstance(part, str):
            raise InvalidQuery("Error in expression: METRICS takes nothing, or one text in quotes")
        return scope.metrics(part)
    if function not in FUNCTIONS:
        raise InvalidQuery(f"The function {function} is not implemented by this version of Lambent, which has "
                           f"{', '.join(sorted([*FUNCTIONS, METRICS]))}.")  # fmt: skip
    return FUNCTIONS[function](arguments, scope.moments)


Operator = Callable[[float, float], float | None]


def _power(base: float, exponent: float) -> float | None:
    try:
        result = base**exponent
    except (OverflowError, ZeroDivisionError):
        return None
    return result if isinstance(result, float) else None  # no complex numbers


OPERATORS: Mapping[str, Operator] = {
    "+": lambda one, other: one + other,
    "-": lambda one, other: one - other,
    "*": lambda one, other: one * other,
    "/": lambda one, other: one / other if other else None,
    "^": _power,
}


def _combined(operator: Operator, one: Value, other: Value, *, sign: str) -> Value:
    def safe(left: float, right: float) -> float | None:
        result = operator(left, right)
        return result if result is not None and abs(result) <= LARGEST else None

    if isinstance(one, list):
        if isinstance(other, list):
            raise InvalidQuery(f"Error in expression: {sign} cannot join two lists of time series")
        return [series_of(_combined(operator, each, other, sign=sign), sign) for each in one]
    if isinstance(other, list):
        return [series_of(_combined(operator, one, each, sign=sign), sign) for each in other]
    if isinstance(one, float) and not isinstance(other, str):
        return mapped(other, lambda value: safe(one, value), sign)
    if isinstance(other, float) and not isinstance(one, str):
        return mapped(one, lambda value: safe(value, other), sign)
    return _met(series_of(one, sign), series_of(other, sign), safe)


def _met(one: Series, other: Series, safe: Operator) -> Series:
    """Two series at the moments that both have."""
    found = {}
    for at_s, value in one.values.items():
        if at_s in other.values and (result := safe(value, other.values[at_s])) is not None:
            found[at_s] = result
    return Series(found, max(one.period_s, other.period_s))
