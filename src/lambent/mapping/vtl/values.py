"""Java's view of values, as templates know it: text, truth, comparison, arithmetic, members. Pure.

Integers are 64 bits wide and wrap around, as Java's longs; text, lists and maps have the methods of their Java classes
that mapping templates use (methods.py). A list that came in JSON tells itself as JSON, whatever is in it, and one that
a template made as Java's do: AWS writes `$input.path('$.ids')` as `["a",1]`, and a map that holds it as
`{ids=["a",1]}`.
"""

import math
import operator
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from lambent.mapping.vtl.scope import TemplateFailed

HALF, WHOLE = 1 << 63, 1 << 64
DEEPEST_VALUE = 100
MOST_TOLD, MOST_COMPARED = 1_000_000, 10_000  # characters of a list or map


class JavaList(list[Any]):
    """A list that a template made; all others came in JSON."""


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    return "null" if value is None else ""


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode() if isinstance(value, str) else _plain(value)


class _Form(NamedTuple):
    """How lists and maps are told, and what is in them."""

    between: str
    equals: str
    text: Callable[[Any], str]


JAVA, JSON = _Form(", ", "=", _plain), _Form(",", ":", _json)


def text_of(value: Any, most: int = MOST_TOLD // 10) -> str:
    """As Java's toString: `{a=1, b=[x, y]}`. Raises TemplateFailed for what is longer than `most`, or holds itself."""
    if isinstance(value, str):
        return value
    pieces: list[str] = []
    _tell(value, pieces, [most], 0, JAVA)
    return "".join(pieces)


def _tell(value: Any, pieces: list[str], left: list[int], depth: int, form: _Form) -> None:
    if depth > DEEPEST_VALUE:
        raise TemplateFailed("a value is nested too deep")
    if isinstance(value, dict):
        inside, first, last = ((form.text(_plain(key)) + form.equals, each) for key, each in value.items()), "{", "}"
    elif isinstance(value, list):
        form = form if isinstance(value, JavaList) else JSON
        inside, first, last = (("", each) for each in value), "[", "]"
    else:
        _say(form.text(value), pieces, left)
        return
    opening = first
    for name, each in inside:
        _say(opening + name, pieces, left)
        _tell(each, pieces, left, depth + 1, form)
        opening = form.between
    _say(last if value else first + last, pieces, left)


def _say(text: str, pieces: list[str], left: list[int]) -> None:
    left[0] -= len(text)
    if left[0] < 0:
        raise TemplateFailed("a text is too long")
    pieces.append(text)


def is_true(value: Any) -> bool:
    """What #if takes: neither null nor false. Source: Velocity 1.7 User Guide, "Conditionals"."""
    return value is not None and value is not False


def equals(left: Any, right: Any) -> bool:
    """Velocity compares by text what is of different kinds; lists and maps are compared so too."""
    if _is_number(left) and _is_number(right):
        return bool(left == right)
    if left is None or right is None:
        return left is right
    if isinstance(left, (list, dict)) is not isinstance(right, (list, dict)):
        return False
    return text_of(left, MOST_COMPARED) == text_of(right, MOST_COMPARED)


def wrapped(number: int) -> int:
    """As a 64-bit integer."""
    return (number + HALF) % WHOLE - HALF


def computed(sign: str, left: Any, right: Any) -> Any:
    """`left sign right`; null where Velocity has no answer. Raises TemplateFailed."""
    if sign == "+" and (isinstance(left, str) or isinstance(right, str)):
        return text_of(left) + text_of(right)
    if not _is_number(left) or not _is_number(right):
        return None
    if sign in "/%" and right == 0:
        return None
    result = ARITHMETIC[sign](left, right)
    if isinstance(result, float):
        return result if math.isfinite(result) else None
    return wrapped(result)


def ordered(sign: str, left: Any, right: Any) -> bool:
    """`left < right` and its kind, of numbers or of texts; all else is not ordered."""
    alike = (_is_number(left) and _is_number(right)) or (isinstance(left, str) and isinstance(right, str))
    return alike and bool(ORDERS[sign](left, right))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _divided(left: float, right: float) -> float:
    if isinstance(left, int) and isinstance(right, int):
        quotient = abs(left) // abs(right)
        return quotient if (left < 0) == (right < 0) else -quotient
    return left / right


def _remainder(left: float, right: float) -> float:
    if isinstance(left, int) and isinstance(right, int):
        return left - right * int(_divided(left, right))
    return math.fmod(left, right)


ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divided,
    "%": _remainder,
}
ORDERS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def whole_number(value: Any) -> int:
    """An argument that has to be an integer. Raises TemplateFailed."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TemplateFailed(f"{text_of(value)[:40]} is no whole number")
    return value
