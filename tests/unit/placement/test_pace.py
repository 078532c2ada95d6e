"""The scaling pace. Source: Lambda Developer Guide, "Lambda scaling behavior"."""

from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.model.function import FunctionKey
from lambent.placement.pace import Pace

F, G = (FunctionKey("000000000000", "us-east-1", name) for name in "fg")


def taken(pace: Pace, wanted: int, now_s: float, function: FunctionKey = F) -> int:
    return sum(pace.take(function, now_s) for _ in range(wanted))


def test_a_thousand_at_once_and_then_a_hundred_each_second() -> None:
    pace = Pace(1_000)
    assert taken(pace, 2_000, 0.0) == 1_000
    assert taken(pace, 2_000, 1.0) == 100
    assert taken(pace, 2_000, 100.0) == 1_000


def test_each_function_has_its_own() -> None:
    pace = Pace(10)
    assert (taken(pace, 20, 0.0, F), taken(pace, 20, 0.0, G)) == (10, 10)


def test_zero_is_no_limit() -> None:
    assert taken(Pace(0), 5_000, 0.0) == 5_000


@given(st.lists(st.tuples(st.floats(0, 5), st.integers(0, 30)), max_size=30))
@settings(max_examples=50)
def test_no_ten_seconds_see_more_than_two_fillings(steps: list[tuple[float, int]]) -> None:
    """The bucket, and what flows in meanwhile."""
    pace, now_s, times = Pace(10), 0.0, []
    for wait_s, wanted in steps:
        now_s += wait_s
        times += [now_s] * taken(pace, wanted, now_s)
        taken(pace, 1, now_s, G)
    for begin_s in times:
        assert sum(begin_s <= at_s < begin_s + 10.0 for at_s in times) <= 20
