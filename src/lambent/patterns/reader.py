"""JSON with places: every value knows where it ends in the text, so that a refusal can say where it looked.

Knows: RFC 8259, and that of two equal names the last counts. Depth is bounded, so no input is deep
enough to exhaust the stack. Does not know what the values mean.
"""

import re
from json import JSONDecodeError
from json.decoder import scanstring  # type: ignore[attr-defined]  # the standard library's own string reader
from typing import NamedTuple, TypeAlias

from lambent.patterns.errors import InvalidPattern

DEEPEST = 100
_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_WORDS = {"true": True, "false": False, "null": None}

Scalar: TypeAlias = str | int | float | bool | None


class Node(NamedTuple):
    """A value and the offset just behind what was read when it was understood: for objects and
    arrays that is their opening bracket."""

    value: "Scalar | dict[str, Node] | list[Node]"
    at: int

    @property
    def is_number(self) -> bool:
        """Whether it is a number, which `true` is not."""
        return type(self.value) in (int, float)


def read(text: str) -> Node:
    """The one value that `text` holds. Raises InvalidPattern."""
    node, at = _value(text, _skip(text, 0), 0)
    at = _skip(text, at)
    if at != len(text):
        raise InvalidPattern(f"Unexpected character ('{text[at]}') behind the end of the pattern", text, at + 1)
    return node


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    assert match is not None  # it matches nothing, too
    return match.end()


def _value(text: str, at: int, depth: int) -> tuple[Node, int]:
    if depth > DEEPEST:
        raise InvalidPattern(f"Patterns are at most {DEEPEST} levels deep", text, at)
    first = text[at : at + 1]
    if first == "{":
        return _object(text, at + 1, depth + 1)
    if first == "[":
        return _array(text, at + 1, depth + 1)
    if first == '"':
        string, end = _string(text, at)
        return Node(string, end), end
    return _plain(text, at)


def _object(text: str, begin: int, depth: int) -> tuple[Node, int]:
    members: dict[str, Node] = {}
    at = _skip(text, begin)
    if text[at : at + 1] == "}":
        return Node(members, at + 1), at + 1
    while True:
        if text[at : at + 1] != '"':
            raise _unexpected(text, at, "was expecting double-quote to start field name")
        name, at = _string(text, at)
        at = _skip(text, at)
        if text[at : at + 1] != ":":
            raise _unexpected(text, at, "was expecting a colon to separate field name and value")
        members[name], at = _value(text, _skip(text, at + 1), depth)
        at, more = _comma(text, at, "}", "Object")
        if not more:
            return Node(members, begin), at


def _array(text: str, begin: int, depth: int) -> tuple[Node, int]:
    elements: list[Node] = []
    at = _skip(text, begin)
    if text[at : at + 1] == "]":
        return Node(elements, at + 1), at + 1
    while True:
        element, at = _value(text, _skip(text, at), depth)
        elements.append(element)
        at, more = _comma(text, at, "]", "Array")
        if not more:
            return Node(elements, begin), at


def _comma(text: str, at: int, close: str, what: str) -> tuple[int, bool]:
    """Behind the comma and the space after it, or behind `close`; whether it was the comma."""
    at = _skip(text, at)
    found = text[at : at + 1]
    if found == ",":
        return _skip(text, at + 1), True
    if found == close:
        return at + 1, False
    raise _unexpected(text, at, f"was expecting comma to separate {what} entries")


def _string(text: str, at: int) -> tuple[str, int]:
    try:
        found: tuple[str, int] = scanstring(text, at + 1, True)
    except JSONDecodeError as error:
        raise InvalidPattern(error.msg, text, min(error.pos + 1, len(text))) from None
    return found


def _plain(text: str, at: int) -> tuple[Node, int]:
    for word, value in _WORDS.items():
        if text.startswith(word, at):
            return Node(value, at + len(word)), at + len(word)
    match = _NUMBER.match(text, at)
    if match is None:
        raise _unexpected(text, at, "expected a valid value (JSON String, Number, Array, Object or token)")
    number = float(match[0]) if match[1] or match[2] or len(match[0]) > 18 else int(match[0])
    return Node(number, match.end()), match.end()


def _unexpected(text: str, at: int, expected: str) -> InvalidPattern:
    found = f"Unexpected character ('{text[at]}')" if at < len(text) else "Unexpected end-of-input"
    return InvalidPattern(f"{found}: {expected}", text, min(at + 1, len(text)))
