"""Patterns for events of fields between spaces: `[ip, user, ..., status = 4* && status != 404, bytes > 1000]`.

What stands in brackets or double quotes is one field. The last field of a pattern takes all that
is left of the event, so that `[w1=ERROR, w2]` matches whatever begins with ERROR and goes on; with
an ellipsis (there may be one), fields are counted from both ends. Too few fields: no match.
"""

import re
from collections.abc import Callable

from lambent.services.logs.patterns.common import (
    QUOTED,
    InvalidPattern,
    Matcher,
    always,
    comparison,
    invalid_characters,
)

Test = Callable[[str], bool]
ELLIPSIS = "..."
NAME = re.compile(r"\w*")
SLOT = re.compile(rf'(?:{QUOTED}|[^",])*', re.DOTALL)
CONDITION = re.compile(
    rf"\s*(?P<name>\w+)\s*(?P<operator><=|>=|!=|=|<|>)\s*(?P<value>{QUOTED}|[\w.*+/:@#-]+)\s*", re.DOTALL
)
PLAIN = re.compile(rf"{QUOTED}(?=\s|$)|\S+", re.DOTALL)
BLANKS = re.compile(r"\s*")


def compile_fields(pattern: str) -> Matcher:
    """Whether each field of a message passes the test of its slot."""
    if not pattern.endswith("]"):
        raise InvalidPattern("Invalid filter pattern: the closing bracket is missing")
    slots = _slots(pattern[1:-1])
    if slots.count(ELLIPSIS) > 1:
        raise InvalidPattern("Invalid filter pattern: there can be only one ellipsis")
    if ELLIPSIS not in slots:
        tests = [_test(slot) for slot in slots]
        return lambda message: _all_pass(tests, _split(message, len(tests)))
    middle = slots.index(ELLIPSIS)
    head, tail = [_test(slot) for slot in slots[:middle]], [_test(slot) for slot in slots[middle + 1 :]]

    def matches(message: str) -> bool:
        fields = _split(message, None)
        if len(fields) < len(head) + len(tail):
            return False
        return _all_pass(head, fields[: len(head)]) and _all_pass(tail, fields[len(fields) - len(tail) :])

    return matches


def _slots(inside: str) -> list[str]:
    """The parts between commas, but not between those in quotes."""
    slots, at = [], 0
    while True:
        match = SLOT.match(inside, at)
        assert match is not None  # it matches the empty text as well
        slots.append(match[0].strip())
        if match.end() == len(inside):
            return slots
        if inside[match.end()] != ",":
            raise invalid_characters(inside[match.end()])
        at = match.end() + 1


def _test(slot: str) -> Test:
    """The test that a slot writes; a name alone, or nothing, is passed by any field."""
    if NAME.fullmatch(slot):
        return always
    alternatives = [[_condition(part) for part in side.split("&&")] for side in slot.split("||")]
    if len({name for side in alternatives for name, _ in side}) > 1:
        raise InvalidPattern(f"Invalid filter pattern: more than one name in {slot}")
    return lambda field: any(all(test(field) for _, test in side) for side in alternatives)


def _condition(text: str) -> tuple[str, Test]:
    match = CONDITION.fullmatch(text)
    if match is None:
        value = text.partition("=")[2].strip()
        raise invalid_characters(value if value.startswith("%") else text.strip())
    return match["name"], comparison(match["operator"], match["value"]).holds_for_text


def _split(message: str, most: int | None) -> list[str]:
    """The fields of `message`; the last of `most` is the rest of it."""
    fields: list[str] = []
    text = message.strip()
    at, close = 0, -1
    while at < len(text):
        if text[at] == "[" and close < at:
            close = text.find("]", at)  # looked for once, not from each bracket on
            close = len(text) if close < 0 else close
        end, field = _field(text, at, close)
        if most is not None and len(fields) == most - 1 and end < len(text):
            return [*fields, text[at:]]
        fields.append(field)
        at = _behind_blanks(text, end)
    return fields


def _field(text: str, at: int, close: int) -> tuple[int, str]:
    """The field that begins at `at`, and where it ends; `close` is the next closing bracket, if one is needed."""
    if text[at] == "[" and (close + 1 == len(text) or text[close + 1 : close + 2].isspace()):
        return close + 1, text[at + 1 : close]
    match = PLAIN.match(text, at)
    assert match is not None  # there is no blank at `at`
    found = match[0]
    quoted = len(found) > 1 and found[0] == '"' == found[-1]
    return match.end(), found[1:-1] if quoted else found


def _behind_blanks(text: str, at: int) -> int:
    match = BLANKS.match(text, at)
    assert match is not None  # it matches nothing as well
    return match.end()


def _all_pass(tests: list[Test], fields: list[str]) -> bool:
    return len(tests) == len(fields) and all(test(field) for test, field in zip(tests, fields, strict=True))
