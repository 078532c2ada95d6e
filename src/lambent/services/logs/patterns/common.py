"""What the three languages share: refusals, quoted text, comparisons with wildcards."""

import re
from collections.abc import Callable

from msgspec import Struct

Matcher = Callable[[str], bool]

QUOTED = r'"(?:[^"\\]|\\.)*"'
NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")  # no two ways to match, or it backtracks
OPERATORS = ("=", "!=", "<", ">", "<=", ">=")


class InvalidPattern(ValueError):
    """The text is not a filter pattern; the message says where."""


def invalid_characters(text: str) -> InvalidPattern:
    """The refusal of something that has no place where it stands."""
    if text.startswith("%"):
        return InvalidPattern("Regular expressions (%...%) in filter patterns are not supported by Lambent")
    return InvalidPattern(f"Invalid character(s) in term '{text}'")


def always(_: str) -> bool:
    """The test that everything passes."""
    return True


def unquote(text: str) -> str:
    """What stands between the quotes of `text`, escapes undone."""
    return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)


class Literal(Struct, frozen=True):
    """The right side of a comparison. `number` is set when it was written as one, without quotes."""

    text: str
    number: float | None = None

    def equals(self, value: str) -> bool:
        """Whether `value` is this text, in which each `*` stands for any characters."""
        if "*" not in self.text:
            return value == self.text
        first, *middle, last = self.text.split("*")
        if len(value) < len(first) + len(last) or not value.startswith(first) or not value.endswith(last):
            return False
        at, end = len(first), len(value) - len(last)
        for piece in middle:
            at = value.find(piece, at, end)
            if at < 0:
                return False
            at += len(piece)
        return True


class Comparison(Struct, frozen=True):
    """An operator and what stands right of it."""

    operator: str
    literal: Literal

    def holds_for_text(self, value: str) -> bool:
        """Whether a text stands so to the literal; for < and > it has to be a number."""
        if self.literal.number is not None and NUMBER.fullmatch(value):
            return self.holds_for_number(float(value), value)
        return self._equality(self.literal.equals(value))

    def holds_for_number(self, value: float, text: str) -> bool:
        """Whether a number, written as `text`, stands so to the literal."""
        number = self.literal.number
        if number is None:
            return self._equality(self.literal.equals(text))
        match self.operator:
            case "<":
                return value < number
            case ">":
                return value > number
            case "<=":
                return value <= number
            case ">=":
                return value >= number
            case _:
                return self._equality(value == number)

    def _equality(self, equal: bool) -> bool:
        return (self.operator == "=" and equal) or (self.operator == "!=" and not equal)


def comparison(operator: str, value: str) -> Comparison:
    """The comparison that `operator` and `value`, as they stand in the pattern, write.

    Raises:
        InvalidPattern: < and > are used with something else than a number.
    """
    if value.startswith('"'):
        literal = Literal(unquote(value))
    else:
        literal = Literal(value, float(value) if NUMBER.fullmatch(value) else None)
    if operator not in ("=", "!=") and literal.number is None:
        raise InvalidPattern(f"Invalid filter pattern: {operator} needs a number, not {value}")
    return Comparison(operator, literal)
