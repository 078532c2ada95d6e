"""Numbers as text and as bytes, and the order of keys.

Source: DynamoDB Developer Guide, "Supported data types and naming rules".
"""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.services.dynamodb import numbers
from lambent.services.dynamodb.expressions.key_conditions import Term
from lambent.services.dynamodb.keys import after, segment_range, sort_range, value_bytes

DIGITS = st.integers(min_value=-(10**38 - 1), max_value=10**38 - 1)
SMALL = st.integers(min_value=-130, max_value=80)


def number(digits: int, exponent: int) -> str:
    return numbers.normalised(f"{digits}E{exponent}" if abs(digits) > 9 or exponent > -130 else str(digits))


NUMBERS = st.builds(number, DIGITS, st.integers(min_value=-90, max_value=80)) | st.builds(
    number, st.integers(min_value=-9, max_value=9), SMALL
)


@given(NUMBERS)
def test_a_number_keeps_all_its_digits(text: str) -> None:
    assert numbers.normalised(text) == text
    assert numbers.normalised(f"{Decimal(text):E}") == text


@given(NUMBERS, NUMBERS)
def test_the_bytes_of_numbers_sort_as_the_numbers(left: str, right: str) -> None:
    one, other = numbers.to_bytes(left), numbers.to_bytes(right)
    assert (one < other) == (Decimal(left) < Decimal(right))
    assert (one == other) == (Decimal(left) == Decimal(right))


@given(NUMBERS, NUMBERS, st.binary(max_size=3), st.binary(max_size=3))
def test_what_follows_a_number_does_not_disturb_the_order(left: str, right: str, tail: bytes, other: bytes) -> None:
    if Decimal(left) != Decimal(right):
        ordered = numbers.to_bytes(left) + tail < numbers.to_bytes(right) + other
        assert ordered == (Decimal(left) < Decimal(right))


@given(st.binary(max_size=4), st.binary(max_size=4), st.binary(max_size=2), st.binary(max_size=2))
def test_what_follows_a_value_does_not_disturb_the_order(left: bytes, right: bytes, tail: bytes, other: bytes) -> None:
    if left != right:
        assert (value_bytes({"B": left}) + tail < value_bytes({"B": right}) + other) == (left < right)


@settings(max_examples=200)
@given(
    st.sampled_from(["=", "<", "<=", ">", ">=", "BETWEEN", "begins_with"]),
    st.lists(st.binary(min_size=1, max_size=3), min_size=3, max_size=3),
)
def test_the_range_of_a_condition_holds_what_the_condition_admits(operator: str, values: list[bytes]) -> None:
    value, low, high = values
    low, high = sorted((low, high))
    admitted = {
        "=": value == low,
        "<": value < low,
        "<=": value <= low,
        ">": value > low,
        ">=": value >= low,
        "BETWEEN": low <= value <= high,
        "begins_with": value.startswith(low),
    }[operator]
    bounds = ({"B": low}, {"B": high}) if operator == "BETWEEN" else ({"B": low},)
    first, last = sort_range(Term("key", operator, bounds))
    for tail in (b"", b"\0", b"\xff\xff"):
        assert (first <= value_bytes({"B": value}) + tail < last) == admitted


@given(st.integers(min_value=1, max_value=1_000_000), st.binary(min_size=4, max_size=4))
def test_every_partition_is_in_one_segment(total: int, digest: bytes) -> None:
    at = int.from_bytes(digest, "big") * total >> 32
    inside = []
    for segment in {max(0, at - 1), at, min(total - 1, at + 1)}:
        first, last = segment_range(segment, total)
        inside.append(first <= digest + b"x" < last)
    assert inside.count(True) == 1


def test_nothing_lies_beyond_the_last_bytes() -> None:
    assert value_bytes({"B": b"\xff" * 2048}) < after(b"")
