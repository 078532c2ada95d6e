"""Events that are made to hold a matcher up, or to take it down: matching runs beside everybody's requests."""

import sys
from typing import Any

import msgspec
import pytest

from lambent.patterns.match import compile_pattern
from lambent.patterns.rule_set import RuleSet

ABSENT = compile_pattern('{"detail": {"a": {"b": [{"exists": false}]}}}')
ELEMENTS = 20_000  # of which a quadratic walk would make 400 million steps


def lines_run(pattern_of: Any, event: Any) -> tuple[bool, int]:
    """What a pattern says, and how many lines of Python that took: a measure that a busy machine does not change."""
    count = 0

    def trace(frame: Any, kind: str, _: Any) -> Any:
        nonlocal count
        count += kind == "line"
        if count > 60 * ELEMENTS:
            raise AssertionError("matching takes more than a few steps for each element")
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        return pattern_of.matches(event), count
    finally:
        sys.settrace(before)


def test_a_question_about_the_whole_event_is_not_asked_for_each_element() -> None:
    event = {"detail": {"a": [*({} for _ in range(ELEMENTS)), {"b": 1}]}}
    matched, _ = lines_run(ABSENT, event)
    assert not matched


@pytest.mark.parametrize("depth", [10, 400, 900])
def test_lists_in_lists_are_walked_however_deep_they_are(depth: int) -> None:
    def deep(inner: str) -> Any:
        return msgspec.json.decode('{"detail": {"a": ' + "[" * depth + inner + "]" * depth + "}}")

    assert ABSENT.matches(deep('{"c": 1}'))
    assert not ABSENT.matches(deep('{"b": 1}'))
    named = compile_pattern('{"detail": {"a": ["x"]}}')
    assert named.matches(deep('"x"'))
    assert not named.matches(deep('"y"'))
    inside = compile_pattern('{"detail": {"a": {"b": [{"prefix": "x"}]}}}')
    assert inside.matches(deep('{"b": "xy"}'))


def test_deep_lists_lead_to_the_rules_that_are_filed_under_their_strings() -> None:
    event = msgspec.json.decode('{"source": ' + "[" * 900 + '"mine"' + "]" * 900 + "}")
    rules = RuleSet([(compile_pattern('{"source": ["mine"]}'), 1), (compile_pattern('{"source": ["other"]}'), 2)])
    assert rules.matching(event) == [1]


@pytest.mark.parametrize(
    ("value", "absent"),
    [("[]", True), ("[[]]", True), ("[[], [[]]]", True), ("[{}, []]", True), ('[[{}], [{"b": null}]]', False)],
)
def test_empty_lists_hold_nothing(value: str, absent: bool) -> None:
    assert ABSENT.matches(msgspec.json.decode('{"detail": {"a": ' + value + "}}")) is absent
