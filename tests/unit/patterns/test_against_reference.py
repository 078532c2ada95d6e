"""Compiled patterns against a reference that is slow and plain: it flattens the event and tries everything."""

import fnmatch
import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.patterns.api import InvalidPattern, RuleSet, event_pattern

NAMES, WORDS = st.sampled_from("abc"), st.sampled_from(["", "x", "xy", "X", "yx", "10.0.0.1", "300"])
NUMBERS = st.sampled_from([0, 1, 300, 2.5, -1])
SCALARS = WORDS | NUMBERS | st.booleans() | st.none()
PIECES = st.text("xy", max_size=2)
OPERATORS = (
    st.builds(lambda word: {"prefix": word}, WORDS)
    | st.builds(lambda word: {"suffix": {"equals-ignore-case": word}}, WORDS)
    | st.builds(lambda word: {"equals-ignore-case": word}, WORDS)
    | st.builds(lambda pieces: {"wildcard": re.sub(r"\*+", "*", "*".join(pieces))}, st.lists(PIECES, max_size=4))
    | st.builds(lambda words: {"anything-but": words}, st.lists(WORDS, min_size=1) | st.lists(NUMBERS, min_size=1))
    | st.builds(lambda low, high: {"numeric": [">=", low, "<", low + high]}, NUMBERS, st.integers(1, 300))
    | st.builds(lambda there: {"exists": there}, st.booleans())
    | st.just({"cidr": "10.0.0.0/8"})
)  # fmt: skip
LEAVES = st.lists(SCALARS | OPERATORS, min_size=1, max_size=3)
PATTERNS = st.recursive(
    st.dictionaries(NAMES, LEAVES, min_size=1),
    lambda inner: (
        st.dictionaries(NAMES, inner | LEAVES, min_size=1)
        | st.builds(lambda one, two, more: {**more, "$or": [one, two]}, inner, inner, inner)
    ),
    max_leaves=6,
)
EVENTS = st.recursive(
    st.dictionaries(NAMES, SCALARS | st.lists(SCALARS, max_size=3)),
    lambda inner: st.dictionaries(NAMES, inner | SCALARS | st.lists(SCALARS, max_size=3)),
    max_leaves=8,
)


def flattened(event: Any, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    if isinstance(event, dict):
        return [leaf for name, value in event.items() for leaf in flattened(value, (*path, name))]
    if isinstance(event, list):
        return [leaf for value in event for leaf in flattened(value, path)]
    return [(path, event)]


def same(one: Any, other: Any) -> bool:
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def holds(operator: dict[str, Any], value: Any) -> bool:
    ((name, operand),) = operator.items()
    number = isinstance(value, int | float) and not isinstance(value, bool)
    match name:
        case "exists":
            return bool(operand)
        case "anything-but":
            return not any(same(each, value) for each in operand)
        case "numeric":
            return number and operand[1] <= value < operand[3]
    if not isinstance(value, str):
        return False
    match name:
        case "prefix":
            return bool(value[: len(operand)] == operand)
        case "suffix":
            return value.upper().endswith(operand["equals-ignore-case"].upper())
        case "equals-ignore-case":
            return bool(value.upper() == operand.upper())
        case "wildcard":
            return fnmatch.fnmatchcase(value, operand)
        case _:
            return value.startswith("10.")


def wanted(pattern: Any, leaves: list[tuple[tuple[str, ...], Any]], path: tuple[str, ...] = ()) -> bool:
    for name, inner in pattern.items():
        if name == "$or":
            if not any(wanted(branch, leaves, path) for branch in inner):
                return False
        elif isinstance(inner, dict):
            if not wanted(inner, leaves, (*path, name)):
                return False
        else:
            values = [value for place, value in leaves if place == (*path, name)]
            found = any(
                holds(each, value) if isinstance(each, dict) else same(each, value)
                for each in inner
                for value in values
            )
            if not found and not ({"exists": False} in inner and not values):
                return False
    return True


@settings(max_examples=150)
@given(PATTERNS, EVENTS)
def test_a_compiled_pattern_decides_as_the_reference_does(pattern: Any, event: Any) -> None:
    assert event_pattern(json.dumps(pattern)).matches(event) is wanted(pattern, flattened(event))


@settings(max_examples=50)
@given(st.lists(PATTERNS, max_size=8), EVENTS)
def test_a_rule_set_finds_what_its_patterns_find_one_by_one(patterns: list[Any], event: Any) -> None:
    compiled = [(event_pattern(json.dumps(pattern)), number) for number, pattern in enumerate(patterns)]
    alone = [number for pattern, number in compiled if pattern.matches(event)]
    assert sorted(RuleSet(compiled).matching(event)) == alone


@settings(max_examples=80)
@given(st.text('{}[]":,$or*\\ aprefix019.truenl-', max_size=60) | st.text(max_size=30))
def test_any_text_is_a_pattern_or_is_refused(text: str) -> None:
    try:
        event_pattern(text).matches({"a": [1, {"b": None}]})
    except InvalidPattern as refusal:
        shown = refusal.with_place()
    else:
        shown = ""
    assert not shown or shown.startswith(refused_reason(text))


def refused_reason(text: str) -> str:
    with pytest.raises(InvalidPattern) as refusal:
        event_pattern(text)
    assert 0 <= refusal.value.at <= len(text)
    return refusal.value.reason


def test_a_thousand_rules_are_asked_in_well_under_a_millisecond_of_work() -> None:
    """The index leaves one rule of a thousand to be tried: counted, not timed."""
    asked: list[int] = []
    compiled = []
    for number in range(1000):
        pattern = event_pattern(
            json.dumps({"source": [f"shop.{number}"], "detail": {"total": [{"numeric": [">", 5]}]}})
        )
        compiled.append((_Counting(pattern, asked), number))
    rules = RuleSet(compiled)  # type: ignore[arg-type]
    assert rules.matching({"source": "shop.77", "detail": {"total": 6}}) == [77]
    assert len(asked) == 1


class _Counting:
    def __init__(self, pattern: Any, asked: list[int]) -> None:
        self._pattern, self._asked, self.exact = pattern, asked, pattern.exact

    def match_in(self, event: Any) -> bool:
        self._asked.append(1)
        return bool(self._pattern.match_in(event))
