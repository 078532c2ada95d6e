"""Failures, lanes' shares and pages of streams, decided without any clock or database.

Source: Lambda Developer Guide, "Error handling with DynamoDB and Lambda", "Configuring partial batch response".
"""

from collections import deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.model.invocation import InvocationResult
from lambent.pollers.api import FOR_EVER, Change, Page, Shard, StreamSettings
from lambent.pollers.stream_failures import LONGEST_WAIT_S, Piece, failed_at, too_old, verdict_of, wait_s
from lambent.pollers.stream_feed import page_after
from lambent.pollers.stream_lane import state_in
from lambent.pollers.stream_poller import readable

SMALL = settings(max_examples=50)


def changes(count: int, arrived_s: int = 0) -> tuple[Change, ...]:
    return tuple(Change(f"{number:021d}", arrived_s, number, b"{}") for number in range(count))


def wanted(**more: object) -> StreamSettings:
    return StreamSettings(**({"starting_position": "LATEST"} | more))  # type: ignore[arg-type]


@SMALL
@given(st.integers(1, 40), st.sets(st.integers(0, 39)), st.booleans(), st.integers(0, 3), st.booleans())
def test_each_record_succeeds_or_is_given_up_once_and_in_its_order(
    count: int, poison: set[int], bisects: bool, retries: int, reports: bool
) -> None:
    rules, todo = wanted(bisects=bisects, max_retries=retries), deque([Piece(changes(count))])
    passed: list[int] = []
    given_up: list[int] = []
    while todo:
        piece = todo.popleft()
        bad = [place for place, change in enumerate(piece.changes) if change.key in poison]
        verdict = verdict_of(piece, (bad[0] if reports else 0) if bad else None, rules)
        passed += [change.key for change in piece.changes[: verdict.done]]
        given_up += [change.key for change in verdict.given_up]
        todo.extendleft(reversed(verdict.rest))
    assert passed == sorted(passed)
    assert sorted(passed + given_up) == list(range(count))
    assert not poison & set(passed)
    if bisects:
        assert set(given_up) == poison & set(range(count))


def test_without_a_limit_a_batch_is_tried_for_ever() -> None:
    piece = Piece(changes(2))
    for _ in range(200):
        verdict = verdict_of(piece, 0, wanted())
        assert (verdict.done, verdict.given_up) == (0, ())
        (piece,) = verdict.rest
        assert wait_s(piece) <= LONGEST_WAIT_S
    assert wait_s(piece) == LONGEST_WAIT_S


def test_halving_costs_no_retry_and_no_wait() -> None:
    verdict = verdict_of(Piece(changes(5)), 0, wanted(bisects=True, max_retries=0))
    assert [len(piece.changes) for piece in verdict.rest] == [2, 3]
    assert [(piece.retries, wait_s(piece)) for piece in verdict.rest] == [(0, 0.0), (0, 0.0)]


@pytest.mark.parametrize(
    ("payload", "place"),
    [
        (b'{"batchItemFailures": []}', None),
        (b"null", None),
        (b'{"batchItemFailures": [{"itemIdentifier": "000000000000000000002"}]}', 2),
        (b'{"batchItemFailures": [{"itemIdentifier": ""}]}', 0),
        (b'{"batchItemFailures": [{"itemIdentifier": "7"}]}', 0),
        (b"no json", 0),
    ],
)
def test_where_a_report_says_that_the_failures_begin(payload: bytes, place: int | None) -> None:
    assert failed_at(InvocationResult("1", payload), changes(3), reports_failures=True) == place


@SMALL
@given(st.binary(max_size=60))
def test_any_answer_is_a_state_or_is_not(payload: bytes) -> None:
    state = state_in(InvocationResult("1", payload))
    assert state is None or state.startswith(b"{")


def test_age_counts_from_the_first_record_and_never_beyond_the_streams_own_life() -> None:
    both = (*changes(1, 100), *changes(1, 200))
    assert too_old(both, 161.0, wanted(max_age_s=60)) == 1
    assert too_old(both, 161.0, wanted(max_age_s=FOR_EVER)) == 0
    assert too_old(both, 86_501.0, wanted(max_age_s=604_800)) == 1


def test_a_shard_is_read_when_its_parent_is_over() -> None:
    shards = [Shard("a", ""), Shard("b", "a"), Shard("c", "b"), Shard("d", "trimmed")]
    assert [shard.id for shard in readable(shards, set(), set())] == ["a", "d"]
    assert [shard.id for shard in readable(shards, {"a"}, {"d"})] == ["b"]
    assert readable(shards, {"a", "d"}, {"b"}) == []


@SMALL
@given(st.integers(0, 10))
def test_a_page_serves_whoever_stands_within_it(place: int) -> None:
    all_of_it = list(changes(10))
    page = Page("", all_of_it[-1].sequence, all_of_it)
    position = all_of_it[place - 1].sequence if place else ""
    assert page_after(page, position).changes == all_of_it[place:]
