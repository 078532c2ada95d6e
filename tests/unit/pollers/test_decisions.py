"""The pure decisions: responses, batches, pace.

Sources: Lambda Developer Guide, "Reporting batch item failures" (success and failure conditions), "Batching behavior",
"Scaling behavior for Amazon SQS event source mappings".
"""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.model.invocation import InvocationResult
from lambent.pollers.gathering import Entry, Gathering, Limits
from lambent.pollers.responses import failed_ids
from lambent.pollers.scaling import FIRST, MOST, Scaling

IDS = {"a", "b", "c"}


def failures(payload: bytes, function_error: str = "", *, reports: bool = True) -> set[str]:
    return failed_ids(InvocationResult("1", payload, function_error), IDS, reports_failures=reports)


@pytest.mark.parametrize(
    "payload",
    [b"", b"null", b"{}", b'{"batchItemFailures": []}', b'{"batchItemFailures": null}', b'{"statusCode": 200}'],
)
def test_an_empty_report_is_a_success(payload: bytes) -> None:
    assert failures(payload) == set()


@pytest.mark.parametrize(
    "payload",
    [
        b"not json",
        b'"done"',
        b"[]",
        b"3",
        b'{"batchItemFailures": "a"}',
        b'{"batchItemFailures": ["a"]}',
        b'{"batchItemFailures": [{"itemIdentifier": ""}]}',
        b'{"batchItemFailures": [{"itemIdentifier": null}]}',
        b'{"batchItemFailures": [{"itemIdentifier": 3}]}',
        b'{"batchItemFailures": [{"itemIdentifer": "a"}]}',
        b'{"batchItemFailures": [{"itemIdentifier": "a"}, {"itemIdentifier": "stranger"}]}',
        b"[" * 100_000,
    ],
)
def test_a_wrong_report_fails_the_whole_batch(payload: bytes) -> None:
    assert failures(payload) == IDS


def test_a_report_names_what_comes_again() -> None:
    assert failures(b'{"batchItemFailures": [{"itemIdentifier": "b"}, {"itemIdentifier": "b"}]}') == {"b"}


def test_a_function_error_fails_the_whole_batch_and_a_report_that_was_not_agreed_on_is_no_report() -> None:
    assert failures(b"{}", "Unhandled") == IDS
    assert failures(b'{"batchItemFailures": [{"itemIdentifier": "b"}]}', reports=False) == set()


@settings(max_examples=50)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.sampled_from(["batchItemFailures", "itemIdentifier", "x"]), inner)
        ),
    )
)
def test_any_answer_is_judged(answer: object) -> None:
    assert failures(json.dumps(answer).encode()) <= IDS


@settings(max_examples=50)
@given(st.lists(st.integers(0, 40)), st.integers(1, 7), st.integers(1, 100))
def test_batches_keep_every_record_in_order_and_none_is_too_large(
    sizes: list[int], size: int, event_bytes: int
) -> None:
    gathering: Gathering[int] = Gathering()
    entries = [Entry(number, b"x" * length) for number, length in enumerate(sizes)]
    batches = gathering.add(entries, Limits(size, 5.0, event_bytes), 0.0)
    if gathering:
        batches.append(gathering.close())
    assert [entry.item for batch in batches for entry in batch] == list(range(len(sizes)))
    for batch in batches:
        assert 1 <= len(batch) <= size
        assert len(batch) == 1 or sum(len(entry.encoded) + 1 for entry in batch) <= event_bytes


def test_a_window_begins_with_the_first_record() -> None:
    gathering: Gathering[int] = Gathering()
    limits = Limits(10, 5.0, 1000)
    assert gathering.add([Entry(1, b"x")], limits, 100.0) == []
    assert gathering.add([Entry(2, b"x")], limits, 104.0) == []
    assert gathering.due(104.9) == []
    assert [[entry.item for entry in batch] for batch in gathering.due(105.0)] == [[1, 2]]
    assert gathering.until_s is None


def passed(scaling: Scaling, now_s: float, *, pressed: bool) -> int:
    """What is allowed after time went by, and from now on there is pressure or not."""
    scaling.settle(now_s)
    scaling.pressed = pressed
    return scaling.allowed()


def test_concurrency_grows_by_300_a_minute_under_pressure_up_to_1250_and_falls_again() -> None:
    scaling = Scaling(0.0)
    assert passed(scaling, 0.0, pressed=True) == FIRST == 5
    assert passed(scaling, 60.0, pressed=True) == 305
    assert passed(scaling, 1000.0, pressed=False) == MOST == 1250
    assert scaling.allowed(7) == 7
    assert passed(scaling, 1060.0, pressed=False) == 950
    assert passed(scaling, 5000.0, pressed=False) == FIRST


def test_throttles_halve_the_concurrency_once_a_second_and_never_stop_it() -> None:
    scaling = Scaling(0.0)
    passed(scaling, 0.0, pressed=True)
    assert passed(scaling, 7.0, pressed=False) == 40
    scaling.throttled(7.0)
    scaling.throttled(7.5)
    assert scaling.allowed() == 20
    for second in range(8, 20):
        scaling.throttled(float(second))
    assert scaling.allowed() == 1
    assert passed(scaling, 24.0, pressed=True) == 1
    assert passed(scaling, 26.0, pressed=True) == 11
