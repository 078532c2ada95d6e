"""When one more environment is worth asking for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.invocation.scaling import Demand, more_environments


def demand(waiting: int, **facts: Any) -> Demand:
    known = {"impatient": 0, "coming": 0, "busy": 0, "coming_age_s": 0.0, "start_s": None, "duration_s": None}
    return Demand(waiting=waiting, **{**known, **facts})


def test_without_figures_every_request_gets_its_own() -> None:
    assert more_environments(demand(100)) == 100
    assert more_environments(demand(100, coming=40, busy=60)) == 60


def test_nobody_waits_and_nothing_is_asked_for() -> None:
    assert more_environments(demand(0, busy=5)) == 0


def test_a_request_with_an_environment_on_its_way_needs_no_other() -> None:
    assert more_environments(demand(3, coming=3)) == 0


def test_a_burst_of_sleepers_gets_one_each() -> None:
    """Issue 3: 100 concurrent first invokes of a sleeper of 1 s all answered within 1.6 s."""
    assert more_environments(demand(99, busy=1, start_s=0.015, duration_s=1.0)) == 99


def test_a_quick_function_waits_for_those_that_are_busy() -> None:
    assert more_environments(demand(15, busy=1, start_s=0.1, duration_s=0.001)) == 0
    assert more_environments(demand(150, busy=1, start_s=0.1, duration_s=0.001)) == 50


@pytest.mark.parametrize(("age_s", "more"), [(0.0, 9), (0.05, 4), (0.09, 0), (5.0, 0)])
def test_what_is_nearly_ready_takes_up_more_than_what_has_just_begun(age_s: float, more: int) -> None:
    facts = {"coming": 1, "start_s": 0.1, "duration_s": 0.01, "coming_age_s": age_s}
    assert more_environments(demand(10, **facts)) == pytest.approx(more, abs=1)


def test_whoever_has_waited_for_a_whole_start_gets_one() -> None:
    facts = {"busy": 1, "start_s": 0.1, "duration_s": 0.001}
    assert more_environments(demand(5, impatient=2, **facts)) == 2
    assert more_environments(demand(5, impatient=2, coming=1, **facts)) == 1


def test_a_function_of_no_duration_at_all_divides_by_nothing() -> None:
    assert more_environments(demand(500, busy=1, start_s=0.1, duration_s=0.0)) == 0


COUNTS = st.integers(0, 200)
SPANS = st.none() | st.floats(0, 1_000, allow_nan=False)


@settings(max_examples=300)
@given(COUNTS, COUNTS, COUNTS, COUNTS, st.floats(0, 1_000), SPANS, SPANS)
def test_never_more_than_wait_without_one_and_never_fewer_than_are_promised(
    waiting: int, impatient: int, coming: int, busy: int, age_s: float, start_s: float | None, duration_s: float | None
) -> None:
    impatient = min(impatient, waiting)
    asked = more_environments(Demand(waiting, impatient, coming, busy, age_s, start_s, duration_s))
    assert 0 <= asked <= max(0, waiting - coming)
    assert asked >= impatient - coming
