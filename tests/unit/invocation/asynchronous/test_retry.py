"""Retries. Source: Lambda Developer Guide, "How Lambda handles errors and retries with asynchronous invocation"."""

import pytest

from lambent.errors import Fault
from lambent.invocation.asynchronous.retry import is_too_old, retry_delay_s


@pytest.mark.parametrize(("attempts", "delay_s"), [(1, 60.0), (2, 120.0), (3, None)])
def test_function_errors_spend_the_two_retries_then_go_to_the_destination(attempts: int, delay_s: float | None) -> None:
    assert retry_delay_s(Fault.FUNCTION, attempts) == delay_s


@pytest.mark.parametrize(("attempts", "delay_s"), [(1, 1.0), (2, 2.0), (9, 256.0), (10, 300.0), (10_000, 300.0)])
def test_our_own_faults_back_off_to_five_minutes_for_ever(attempts: int, delay_s: float) -> None:
    assert retry_delay_s(Fault.PLATFORM, attempts) == delay_s


def test_the_number_of_retries_and_their_delays_can_be_set() -> None:
    assert retry_delay_s(Fault.FUNCTION, 1, max_retries=0) is None
    assert retry_delay_s(Fault.FUNCTION, 2, delays_s=(5.0,)) == 5.0
    assert retry_delay_s(Fault.FUNCTION, 1, delays_s=()) == 0.0


def test_attempts_start_at_one() -> None:
    with pytest.raises(ValueError, match="attempts starts at 1"):
        retry_delay_s(Fault.FUNCTION, 0)


def test_an_event_lives_for_six_hours() -> None:
    assert not is_too_old(1000, 1000 + 21_600_000)
    assert is_too_old(1000, 1001 + 21_600_000)
