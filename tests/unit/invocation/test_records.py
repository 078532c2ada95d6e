"""What is billed and what is shown of the log. Sources: behaviours sheet sections 8, 15 and 25."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.environment.api import Outcome, OutcomeKind
from lambent.invocation.answers import exit_text
from lambent.invocation.records import TAIL_BYTES, answer_bytes, max_memory_mb, tail_of
from lambent.model.environment import EnvironmentExit
from lambent.model.invocation import billed_ms

MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("init_us", "duration_us", "ms"),
    [(110_100, 3_010, 114), (0, 1_000, 1), (0, 1_001, 2), (0, 0, 1), (900, 90, 1), (900, 101, 2)],
)
def test_init_and_duration_are_billed_together_rounded_up(init_us: int, duration_us: int, ms: int) -> None:
    assert billed_ms(init_us, duration_us) == ms


def test_memory_used_is_rounded_up_and_never_above_memory_size() -> None:
    assert max_memory_mb(30 * MIB + 1, 128, ran_out=False) == 31
    assert max_memory_mb(500 * MIB, 128, ran_out=False) == 128
    assert max_memory_mb(0, 128, ran_out=True) == 128


def test_a_signal_without_a_name_is_told_by_its_number() -> None:
    assert exit_text(EnvironmentExit("e", signal=40)) == "Runtime exited with error: signal: signal 40"


@settings(max_examples=100)
@given(st.lists(st.text(max_size=200), max_size=60))
def test_the_tail_is_the_end_of_the_log_and_readable(lines: list[str]) -> None:
    whole = "".join(line if line.endswith("\n") else line + "\n" for line in lines)
    tail = tail_of([(0, line) for line in lines])
    assert len(tail) <= TAIL_BYTES
    assert whole.endswith(tail.decode())
    assert len(tail) >= min(len(whole.encode()), TAIL_BYTES - 3)


def test_an_answers_length_is_that_of_all_that_the_runtime_answered() -> None:
    """Source: Telemetry API reference, producedBytes: what the runtime produced, also before an error in a stream."""
    response, error = OutcomeKind.RESPONSE, OutcomeKind.ERROR
    assert answer_bytes(Outcome(response, 9, b"12345", began_us=9)) == 5
    assert answer_bytes(Outcome(response, 9, b"123", content_type="text/plain", streamed_bytes=3, began_us=2)) == 3
    assert answer_bytes(Outcome(error, 9, b"{}", "E", content_type="text/plain", streamed_bytes=3, began_us=2)) == 5
    assert answer_bytes(Outcome(OutcomeKind.TIMEOUT, 9, streamed_bytes=3, began_us=2)) == 3
    assert answer_bytes(Outcome(error, 9, b'{"errorType": "of the init phase"}', "E")) == 0
