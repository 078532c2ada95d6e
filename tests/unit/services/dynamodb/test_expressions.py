"""Expressions that nobody wrote by hand: they are parsed, or refused with a message, and mean what the guide says.

Source: DynamoDB Developer Guide, "Condition and filter expressions, operators, and functions".
"""

import contextlib
import operator
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.errors import ValidationError
from lambent.services.dynamodb.errors import ExpressionError
from lambent.services.dynamodb.expressions import parser
from lambent.services.dynamodb.expressions.binding import bound_condition
from lambent.services.dynamodb.expressions.placeholders import Placeholders
from lambent.services.dynamodb.expressions.reserved import RESERVED

PIECES = [
    "a",
    "#n",
    ":v",
    "a.b",
    "a[0]",
    "=",
    "<>",
    "<",
    "AND",
    "OR",
    "NOT",
    "BETWEEN",
    "IN",
    "(",
    ")",
    ",",
    "+",
    "SET",
]
PIECES += ["size", "contains", "REMOVE", "ADD", "[", "]", ".", "1", '"', "_", "é", "\x00", "begins_with("]
OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
Rule = Callable[[str], object]


@pytest.mark.parametrize("rule", [parser.condition, parser.update, parser.projection])
@given(text=st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join) | st.text(max_size=20))
@settings(max_examples=100)
def test_any_text_is_parsed_or_refused_in_words(rule: Rule, text: str) -> None:
    with contextlib.suppress(ExpressionError):
        rule(text)


Truth = tuple[str, bool]


def comparison(sign: str, left: int, right: int) -> Truth:
    return f"n{left} {sign} :{right}", OPERATORS[sign](left, right)


TRUTHS = st.recursive(
    st.builds(comparison, st.sampled_from(sorted(OPERATORS)), st.integers(0, 3), st.integers(0, 3)),
    lambda inner: (
        st.builds(lambda one: (f"NOT ({one[0]})", not one[1]), inner)
        | st.builds(lambda one, two: (f"({one[0]}) AND ({two[0]})", one[1] and two[1]), inner, inner)
        | st.builds(lambda one, two: (f"({one[0]}) OR ({two[0]})", one[1] or two[1]), inner, inner)
    ),
    max_leaves=8,
)


@given(TRUTHS)
@settings(max_examples=200)
def test_a_condition_is_as_true_as_what_it_is_made_of(truth: Truth) -> None:
    text, expected = truth
    item = {f"n{number}": {"N": str(number)} for number in range(4)}
    given_values = Placeholders({}, {f":{number}": {"N": str(number)} for number in range(4)})
    assert bound_condition(text, given_values)(item) is expected


def test_and_binds_closer_than_or_and_not_closer_than_both() -> None:
    values = Placeholders({}, {":t": {"BOOL": True}})
    item = {"t": {"BOOL": True}, "f": {"BOOL": False}}
    assert bound_condition("t = :t OR f = :t AND f = :t", values)(item)
    assert bound_condition("NOT f = :t AND t = :t", values)(item)
    assert not bound_condition("NOT (f = :t OR t = :t)", values)(item)


@pytest.mark.parametrize("word", sorted(RESERVED)[::40])
def test_words_that_are_reserved_are_no_names(word: str) -> None:
    with pytest.raises(ValidationError, match="reserved keyword"):
        bound_condition(f"attribute_exists({word.lower()})", Placeholders({}, {}))


def test_there_are_as_many_reserved_words_as_in_the_guide() -> None:
    assert len(RESERVED) == 573
