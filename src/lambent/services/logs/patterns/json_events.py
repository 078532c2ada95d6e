"""Patterns for events that are JSON: `{ ($.user.id = 1) && ($.users[0].email = "*@example.com") }`.

A selector that finds nothing, an array or an object makes its comparison false, also `!=`. Numbers
are compared as numbers where the pattern writes one, else by their text. true and false have the
texts "true" and "false". `&&` binds tighter than `||`.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from lambent.services.logs.patterns.common import (
    QUOTED,
    Comparison,
    InvalidPattern,
    Matcher,
    comparison,
    invalid_characters,
)

Step = str | int
"""A member's name, an element's index, or `*`."""
Test = Callable[[Any], bool]

TOKEN = re.compile(
    rf"""\s*(?:
    (?P<selector>\$(?:\.?\['[^']+'\]|\.[A-Za-z0-9_-]+|\.\*|\[\d+\]|\[\*\])+)
    |(?P<operator><=|>=|!=|=|<|>)
    |(?P<mark>&&|\|\||[(){{}}])
    |(?P<value>{QUOTED}|[\w.*+-]+)
    )\s*""",
    re.VERBOSE | re.DOTALL,
)
STEP = re.compile(r"\.?\['(?P<quoted>[^']+)'\]|\.(?P<name>[A-Za-z0-9_-]+|\*)|\[(?P<index>\d+|\*)\]")
SPECIAL = {"NULL": None, "TRUE": True, "FALSE": False}
DEEPEST = 50  # parentheses; a pattern has at most 1,024 characters
WILDCARDS = 3

_parse_json = msgspec.json.Decoder().decode


def compile_json(pattern: str) -> Matcher:
    """Whether a message is a JSON object of which the expression is true."""
    test = _Parser(pattern).whole()

    def matches(message: str) -> bool:
        if not message.lstrip().startswith("{"):
            return False
        try:
            event = _parse_json(message)
        except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
            return False
        return test(event)

    return matches


class _Parser:
    """Recursive descent: whole = { any }, any = all || all, all = one && one, one = ( any ) or a condition."""

    def __init__(self, pattern: str) -> None:
        self._tokens = list(_tokens(pattern))
        self._at = self._depth = self._wildcards = 0

    def whole(self) -> Test:
        self._expect("{")
        test = self._any()
        self._expect("}")
        if self._at != len(self._tokens):
            raise invalid_characters(self._next()[1])
        return test

    def _any(self) -> Test:
        tests = [self._all()]
        while self._take("||"):
            tests.append(self._all())
        return tests[0] if len(tests) == 1 else lambda event: any(test(event) for test in tests)

    def _all(self) -> Test:
        tests = [self._one()]
        while self._take("&&"):
            tests.append(self._one())
        return tests[0] if len(tests) == 1 else lambda event: all(test(event) for test in tests)

    def _one(self) -> Test:
        if not self._take("("):
            return self._condition()
        self._depth += 1
        if self._depth > DEEPEST:
            raise InvalidPattern("Invalid filter pattern: too many parentheses")
        test = self._any()
        self._expect(")")
        self._depth -= 1
        return test

    def _condition(self) -> Test:
        kind, text = self._next()
        if kind != "selector":
            raise invalid_characters(text)
        steps = self._steps(text)
        kind, text = self._next()
        if kind == "operator":
            value_kind, value = self._next()
            if value_kind != "value":
                raise invalid_characters(value)
            wanted = comparison(text, value)
            return lambda event: any(_holds(wanted, found) for found in _select(event, steps))
        word = self._next()[1]
        if text == "IS" and word in SPECIAL:
            special = SPECIAL[word]
            return lambda event: any(found is special for found in _select(event, steps))
        if text == "NOT" and word == "EXISTS":
            return lambda event: next(_select(event, steps), _Nothing) is _Nothing
        raise InvalidPattern(f"Invalid filter pattern: {text} {word} is not a condition")

    def _steps(self, selector: str) -> list[Step]:
        steps: list[Step] = []
        for match in STEP.finditer(selector):
            index = match["index"]
            steps.append(match["quoted"] or match["name"] or (int(index) if index != "*" else "*"))
        wildcards = sum(match[0] in (".*", "[*]") for match in STEP.finditer(selector))
        self._wildcards += wildcards
        if wildcards > 1 or self._wildcards > WILDCARDS:
            raise InvalidPattern("Invalid filter pattern: one wildcard selector each, and three in all, are allowed")
        return steps

    def _next(self) -> tuple[str, str]:
        if self._at == len(self._tokens):
            raise InvalidPattern("Invalid filter pattern: it ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def _take(self, mark: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at] == ("mark", mark):
            self._at += 1
            return True
        return False

    def _expect(self, mark: str) -> None:
        found = self._next()
        if found != ("mark", mark):
            raise invalid_characters(found[1])


class _Nothing:
    """Stands for what a selector did not find."""


def _tokens(pattern: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(pattern):
        match = TOKEN.match(pattern, at)
        if match is None:
            raise invalid_characters(pattern[at:].split(maxsplit=1)[0])
        kind = match.lastgroup
        assert kind is not None
        yield kind, match[kind]
        at = match.end()


def _select(value: Any, steps: list[Step], at: int = 0) -> Iterator[Any]:
    """What `steps` lead to; more than one thing where a wildcard stands."""
    if at == len(steps):
        yield value
        return
    step = steps[at]
    if step == "*":
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        for each in inner:
            yield from _select(each, steps, at + 1)
    elif isinstance(step, int):
        if isinstance(value, list) and step < len(value):
            yield from _select(value[step], steps, at + 1)
    elif isinstance(value, dict) and step in value:
        yield from _select(value[step], steps, at + 1)


def _holds(wanted: Comparison, found: Any) -> bool:
    if isinstance(found, bool):
        return wanted.holds_for_text("true" if found else "false")
    if isinstance(found, str):
        return wanted.holds_for_text(found)
    if isinstance(found, int | float):
        return wanted.holds_for_number(found, msgspec.json.encode(found).decode())
    return False
