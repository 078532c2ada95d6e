"""PutLogEvents, GetLogEvents and FilterLogEvents. Source: botocore's model `logs`, documentation of the
three operations, unless a test names another."""

import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.clock import FakeClock
from lambent.services.logs.chunks import LONGEST_SPAN_MS, pack, unpack
from lambent.services.logs.errors import InvalidParameter, NotFound
from lambent.services.logs.events import rejected_of

Call = Callable[..., Awaitable[Any]]
NOW_MS = 1_800_000_000_000
DAY_MS = 86_400_000


@pytest.fixture
async def put(call: Call) -> Call:
    """Put messages into a stream of group g at NOW_MS + offset: `await put("s", (0, "x"), (5, "y"))`."""
    await call("CreateLogGroup", logGroupName="g")
    made = set[str]()

    async def do(stream: str, *events: tuple[int, str]) -> Any:
        if stream not in made:
            await call("CreateLogStream", logGroupName="g", logStreamName=stream)
            made.add(stream)
        batch = [{"timestamp": NOW_MS + offset_ms, "message": message} for offset_ms, message in events]
        return await call("PutLogEvents", logGroupName="g", logStreamName=stream, logEvents=batch)

    return do


def messages(answer: Any) -> list[str]:
    return [event["message"] for event in answer["events"]]


async def test_events_come_back_with_their_times(call: Call, put: Call, clock: FakeClock) -> None:
    await clock.advance(2)
    assert await put("s", (0, "one"), (0, "two"), (5, "three\n")) == {}
    answer = await call("GetLogEvents", logGroupName="g", logStreamName="s")
    assert answer["events"] == [
        {"timestamp": NOW_MS, "message": "one", "ingestionTime": NOW_MS + 2000},
        {"timestamp": NOW_MS, "message": "two", "ingestionTime": NOW_MS + 2000},
        {"timestamp": NOW_MS + 5, "message": "three\n", "ingestionTime": NOW_MS + 2000},
    ]


async def test_events_need_a_group_and_a_stream(call: Call, put: Call) -> None:
    batch = [{"timestamp": NOW_MS, "message": "x"}]
    with pytest.raises(NotFound, match="The specified log group does not exist"):
        await call("PutLogEvents", logGroupName="none", logStreamName="s", logEvents=batch)
    with pytest.raises(NotFound, match="The specified log stream does not exist"):
        await call("PutLogEvents", logGroupName="g", logStreamName="none", logEvents=batch)
    for name, more in (("GetLogEvents", {"logStreamName": "s"}), ("FilterLogEvents", {})):
        with pytest.raises(NotFound):
            await call(name, logGroupName="none", **more)
    with pytest.raises(NotFound, match="The specified log stream does not exist"):
        await call("GetLogEvents", logGroupName="g", logStreamName="none")


async def test_a_batch_must_be_in_order_within_a_day_and_a_megabyte(put: Call) -> None:
    with pytest.raises(InvalidParameter, match="must be in chronological order"):
        await put("s", (5, "x"), (4, "y"))
    with pytest.raises(InvalidParameter, match="cannot span more than 24 hours"):
        await put("s", (-DAY_MS - 1, "x"), (0, "y"))
    with pytest.raises(InvalidParameter, match="Upload too large: 1048628 bytes exceeds limit of 1048576"):
        await put("s", (0, "x" * 524_288), (1, "y" * 524_288))
    await put("s", (0, "x" * 524_262), (1, "y" * 524_262))


async def test_sequence_tokens_are_ignored(call: Call, put: Call) -> None:
    await put("s", (0, "x"))
    batch = [{"timestamp": NOW_MS, "message": "y"}]
    await call("PutLogEvents", logGroupName="g", logStreamName="s", logEvents=batch, sequenceToken="1")
    assert messages(await call("GetLogEvents", logGroupName="g", logStreamName="s")) == ["x", "y"]


async def test_too_old_and_too_new_events_are_named_and_the_others_kept(call: Call, put: Call) -> None:
    two_hours_ms = 7_200_000
    answer = await put("s", (-15 * DAY_MS, "old"), (0, "kept"), (two_hours_ms, "kept too"), (two_hours_ms + 1, "new"))
    assert answer == {"rejectedLogEventsInfo": {"tooOldLogEventEndIndex": 1, "tooNewLogEventStartIndex": 3}}
    assert messages(await call("GetLogEvents", logGroupName="g", logStreamName="s")) == ["kept", "kept too"]


async def test_events_older_than_the_retention_are_expired(call: Call, put: Call) -> None:
    await call("PutRetentionPolicy", logGroupName="g", retentionInDays=3)
    answer = await put("s", (-15 * DAY_MS, "old"), (-4 * DAY_MS, "expired"), (0, "kept"))
    assert answer == {"rejectedLogEventsInfo": {"tooOldLogEventEndIndex": 1, "expiredLogEventEndIndex": 2}}


def test_retention_longer_than_two_weeks_takes_no_older_events() -> None:
    assert rejected_of([NOW_MS - 15 * DAY_MS, NOW_MS], NOW_MS, 30).first_kept == 1


async def test_get_gives_the_latest_page_by_default_and_the_first_from_the_head(call: Call, put: Call) -> None:
    await put("s", *((n, str(n)) for n in range(10)))
    place = {"logGroupName": "g", "logStreamName": "s", "limit": 3}
    assert messages(await call("GetLogEvents", **place)) == ["7", "8", "9"]
    assert messages(await call("GetLogEvents", **place, startFromHead=True)) == ["0", "1", "2"]


async def test_get_leaves_out_the_end_time_and_includes_the_start_time(call: Call, put: Call) -> None:
    await put("s", *((n, str(n)) for n in range(10)))
    place = {"logGroupName": "g", "logStreamName": "s", "startTime": NOW_MS + 2, "endTime": NOW_MS + 5}
    assert messages(await call("GetLogEvents", **place)) == ["2", "3", "4"]
    place["endTime"] = NOW_MS - 5
    assert messages(await call("GetLogEvents", **place)) == []


async def test_tokens_lead_through_the_stream_and_repeat_at_its_ends(call: Call, put: Call) -> None:
    await put("s", *((n // 3, str(n)) for n in range(10)))
    place = {"logGroupName": "g", "logStreamName": "s", "limit": 4}
    page = await call("GetLogEvents", **place, startFromHead=True)
    seen = messages(page)
    while True:
        following = await call("GetLogEvents", **place, startFromHead=True, nextToken=page["nextForwardToken"])
        seen += messages(following)
        if following["nextForwardToken"] == page["nextForwardToken"]:
            break
        page = following
    assert seen == [str(n) for n in range(10)]
    back = await call("GetLogEvents", **place, nextToken=following["nextBackwardToken"])
    assert messages(back) == ["6", "7", "8", "9"]
    back = await call("GetLogEvents", **place, nextToken=back["nextBackwardToken"])
    assert messages(back) == ["2", "3", "4", "5"]
    back = await call("GetLogEvents", **place, nextToken=back["nextBackwardToken"])
    assert messages(back) == ["0", "1"]
    end = await call("GetLogEvents", **place, nextToken=back["nextBackwardToken"])
    assert messages(end) == []
    assert end["nextBackwardToken"] == back["nextBackwardToken"]


async def test_a_forward_token_at_the_end_finds_what_comes_later(call: Call, put: Call) -> None:
    await put("s", (0, "first"))
    page = await call("GetLogEvents", logGroupName="g", logStreamName="s")
    await put("s", (0, "second"), (1, "third"))
    page = await call("GetLogEvents", logGroupName="g", logStreamName="s", nextToken=page["nextForwardToken"])
    assert messages(page) == ["second", "third"]


async def test_the_token_of_an_empty_stream_finds_the_first_event(call: Call, put: Call) -> None:
    await call("CreateLogStream", logGroupName="g", logStreamName="empty")
    page = await call("GetLogEvents", logGroupName="g", logStreamName="empty")
    batch = [{"timestamp": NOW_MS, "message": "x"}]
    await call("PutLogEvents", logGroupName="g", logStreamName="empty", logEvents=batch)
    page = await call("GetLogEvents", logGroupName="g", logStreamName="empty", nextToken=page["nextForwardToken"])
    assert messages(page) == ["x"]


@pytest.mark.parametrize("token", ["x", "f/1", "f/" + "9" * 55, "g/" + "1" * 56])
async def test_a_token_that_is_none_is_refused(call: Call, put: Call, token: str) -> None:
    await put("s", (0, "x"))
    for name, more in (("GetLogEvents", {"logStreamName": "s"}), ("FilterLogEvents", {})):
        with pytest.raises(InvalidParameter, match="The specified nextToken is invalid"):
            await call(name, logGroupName="g", nextToken=token, **more)


async def test_a_page_holds_at_most_a_megabyte(call: Call, put: Call) -> None:
    for number in range(3):
        await put("s", (number, str(number) * 500_000))
    place = {"logGroupName": "g", "logStreamName": "s"}
    page = await call("GetLogEvents", **place, startFromHead=True)
    assert [each[0] for each in messages(page)] == ["0", "1"]
    page = await call("FilterLogEvents", logGroupName="g")
    assert [each[0] for each in messages(page)] == ["0", "1"]
    page = await call("FilterLogEvents", logGroupName="g", nextToken=page["nextToken"])
    assert [each[0] for each in messages(page)] == ["2"]
    assert "nextToken" not in page


async def test_filter_interleaves_streams_and_names_them(call: Call, put: Call) -> None:
    await put("a", (0, "a0"), (10, "a10"))
    await put("b", (5, "b5"), (10, "b10"))
    answer = await call("FilterLogEvents", logGroupName="g", interleaved=False)
    assert [(each["logStreamName"], each["message"]) for each in answer["events"]] == [
        ("a", "a0"),
        ("b", "b5"),
        ("a", "a10"),
        ("b", "b10"),
    ]
    assert answer["searchedLogStreams"] == []
    assert "nextToken" not in answer
    ids = [each["eventId"] for each in answer["events"]]
    assert ids == sorted(set(ids))
    assert all(len(each) == 56 for each in ids)


async def test_filter_chooses_streams_by_name_or_prefix_and_not_by_both(call: Call, put: Call) -> None:
    for name in ("x/1", "x/2", "x/3", "y/1"):
        await put(name, (0, name))
    group = {"logGroupName": "g"}
    assert messages(await call("FilterLogEvents", **group, logStreamNamePrefix="x/")) == ["x/1", "x/2", "x/3"]
    assert messages(await call("FilterLogEvents", **group, logStreamNames=["x/1", "y/1"])) == ["x/1", "y/1"]
    with pytest.raises(InvalidParameter):
        await call("FilterLogEvents", **group, logStreamNames=["x/1"], logStreamNamePrefix="x")
    with pytest.raises(NotFound, match="The specified log stream does not exist"):
        await call("FilterLogEvents", **group, logStreamNames=["none"])


async def test_filter_includes_both_ends_of_its_time_range(call: Call, put: Call) -> None:
    await put("s", *((n, str(n)) for n in range(10)))
    answer = await call("FilterLogEvents", logGroupName="g", startTime=NOW_MS + 2, endTime=NOW_MS + 4)
    assert messages(answer) == ["2", "3", "4"]


async def test_filter_takes_patterns_and_refuses_what_is_none(call: Call, put: Call) -> None:
    await put("s", (0, "ERROR one"), (1, "fine"), (2, '{"level": "ERROR", "ms": 12}'))
    group = {"logGroupName": "g"}
    assert messages(await call("FilterLogEvents", **group, filterPattern="ERROR -one")) == [
        '{"level": "ERROR", "ms": 12}'
    ]
    json_pattern = '{ $.level = "ERR*" && $.ms > 10 }'
    assert len(messages(await call("FilterLogEvents", **group, filterPattern=json_pattern))) == 1
    with pytest.raises(InvalidParameter, match="Invalid character"):
        await call("FilterLogEvents", **group, filterPattern="a:b")


async def test_filter_pages_lead_through_all_matches_once_in_either_direction(call: Call, put: Call) -> None:
    for number in range(40):
        await put(f"s{number % 3}", (number % 7, f"{'even' if number % 2 == 0 else 'odd'} {number}"))
    request = {"logGroupName": "g", "filterPattern": "even", "limit": 3, "startTime": NOW_MS - 1}
    for backward in (False, True):
        seen, token = list[tuple[int, str]](), dict[str, str]()
        while True:
            page = await call("FilterLogEvents", **request, **token, startFromHead=not backward)
            assert len(page["events"]) <= 3
            seen += [(each["timestamp"], each["message"]) for each in page["events"]]
            if "nextToken" not in page:
                break
            token = {"nextToken": page["nextToken"]}
        assert len(seen) == len(set(seen)) == 20
        assert [at_ms for at_ms, _ in seen] == sorted((at_ms for at_ms, _ in seen), reverse=backward)


async def test_filter_goes_backward_only_in_this_age(call: Call, put: Call) -> None:
    await put("s", (0, "x"))
    with pytest.raises(InvalidParameter):
        await call("FilterLogEvents", logGroupName="g", startFromHead=False, startTime=0)


async def test_a_call_looks_at_a_bounded_number_of_events(
    call: Call, put: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lambent.services.logs.filter.LOOK_AT", 5)
    await put("s", *((n, str(n)) for n in range(12)))
    page = await call("FilterLogEvents", logGroupName="g", filterPattern="11")
    assert page["events"] == []
    page = await call("FilterLogEvents", logGroupName="g", filterPattern="11", nextToken=page["nextToken"])
    page = await call("FilterLogEvents", logGroupName="g", filterPattern="11", nextToken=page["nextToken"])
    assert messages(page) == ["11"]
    assert "nextToken" not in page


async def test_following_as_the_command_line_does_shows_each_event_once(call: Call, put: Call) -> None:
    """Source: AWS CLI version 2, `aws logs tail --follow`: FilterLogEvents with `interleaved`, again and again
    from the latest timestamp seen on, leaving out the event ids of that timestamp."""
    shown, start_ms, known = list[str](), NOW_MS - 600_000, set[str]()
    for number in range(6):
        await put(f"s{number % 2}", (number // 2, f"line {number}"))
        answer = await call("FilterLogEvents", logGroupName="g", interleaved=True, startTime=start_ms)
        for event in answer["events"]:
            if event["eventId"] not in known:
                shown.append(event["message"])
        latest_ms = max(event["timestamp"] for event in answer["events"])
        known = {event["eventId"] for event in answer["events"] if event["timestamp"] == latest_ms}
        start_ms = latest_ms
    assert shown == [f"line {number}" for number in range(6)]


async def test_chunks_that_overlap_in_time_are_merged(call: Call, put: Call) -> None:
    chance, expected = random.Random(7), list[int]()
    for _ in range(60):
        offsets = sorted(chance.randint(0, 20 * 3_600_000) - 20 * 3_600_000 for _ in range(chance.randint(1, 30)))
        expected += offsets
        await put(f"s{chance.randint(0, 2)}", *((each, "x") for each in offsets))
    expected.sort()
    answer = await call("FilterLogEvents", logGroupName="g")
    assert [each["timestamp"] - NOW_MS for each in answer["events"]] == expected
    answer = await call("FilterLogEvents", logGroupName="g", startFromHead=False, startTime=NOW_MS - DAY_MS * 2)
    assert [each["timestamp"] - NOW_MS for each in answer["events"]] == expected[::-1]
    from_ms, until_ms = NOW_MS - 9 * 3_600_000, NOW_MS - 5 * 3_600_000
    answer = await call("FilterLogEvents", logGroupName="g", startTime=from_ms, endTime=until_ms)
    assert [each["timestamp"] for each in answer["events"]] == [
        NOW_MS + each for each in expected if from_ms <= NOW_MS + each <= until_ms
    ]


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 5 * LONGEST_SPAN_MS), st.text(max_size=5)), max_size=30))
def test_chunks_keep_every_event_and_span_no_more_than_an_hour(events: list[tuple[int, str]]) -> None:
    chunks = list(pack(events))
    unpacked = [event for chunk in chunks for event in unpack(chunk.body)]
    assert unpacked == sorted(events, key=lambda event: event[0])
    for chunk in chunks:
        inside = unpack(chunk.body)
        assert (chunk.first_ms, chunk.last_ms, chunk.event_count) == (inside[0][0], inside[-1][0], len(inside))
        assert chunk.last_ms - chunk.first_ms <= LONGEST_SPAN_MS
