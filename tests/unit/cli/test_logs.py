import asyncio
import contextlib
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.cli.errors import CommandError
from lambent.cli.logs import follow, log_group, span_s
from lambent.clock import FakeClock


class Missing(Exception):
    pass


class FakeLogs:
    """CloudWatch Logs as far as `follow` uses it; each answer holds what came since startTime."""

    class exceptions:
        ResourceNotFoundException = Missing

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] | None = []

    def get_paginator(self, operation: str) -> "FakeLogs":
        assert operation == "filter_log_events"
        return self

    def paginate(self, logGroupName: str, startTime: int) -> list[dict[str, Any]]:
        if self.events is None:
            raise Missing
        return [{"events": [event]} for event in self.events if event["timestamp"] >= startTime]


def event(number: int, time_ms: int) -> dict[str, Any]:
    return {"eventId": str(number), "timestamp": time_ms, "message": f"line {number}\n"}


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("10m", 600), ("2h", 7200), ("1d", 86400)])
def test_a_span_is_a_number_with_a_unit(text: str, seconds: int) -> None:
    assert span_s(text) == seconds


@settings(max_examples=50)
@given(st.text(max_size=12))
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    if re.fullmatch(r"\d{1,9}[smhd]", text):
        assert span_s(text) >= 0
        return
    with pytest.raises(CommandError, match="such as 10m"):
        span_s(text)


@pytest.mark.parametrize(
    "name",
    ["hello", "hello:live", "arn:aws:lambda:us-east-1:000000000000:function:hello", "000000000000:function:hello"]
    + ["arn:aws:lambda:us-east-1:000000000000:function:hello:7"],
)
def test_every_form_of_a_name_leads_to_the_same_group(name: str) -> None:
    # Source: behaviours of Lambda, the forms of a function's name and its log group /aws/lambda/NAME.
    assert log_group(name) == "/aws/lambda/hello"


async def test_what_is_there_is_shown_once_and_then_it_ends() -> None:
    logs = FakeLogs()
    shown: list[dict[str, Any]] = []
    logs.events = [event(1, 5), event(2, 1000), event(3, 1000)]
    await follow(logs, "/aws/lambda/a", 1000, FakeClock(), shown.append, keep_on=False)
    assert [one["eventId"] for one in shown] == ["2", "3"]


async def test_following_shows_new_lines_once_even_those_that_arrive_late() -> None:
    logs, clock = FakeLogs(), FakeClock()
    shown: list[dict[str, Any]] = []
    logs.events = None  # the function has not run yet
    task = asyncio.create_task(follow(logs, "/aws/lambda/a", 0, clock, shown.append, keep_on=True))
    await clock.advance(2)
    assert shown == []
    logs.events = [event(1, 20_000)]
    await clock.advance(1)
    logs.events = [event(1, 20_000), event(2, 21_000), event(3, 15_000)]
    await clock.advance(5)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert [one["eventId"] for one in shown] == ["1", "2", "3"]


async def test_without_following_a_group_that_is_not_there_is_explained() -> None:
    logs = FakeLogs()
    logs.events = None
    with pytest.raises(CommandError, match="appears with the first invocation"):
        await follow(logs, "/aws/lambda/a", 0, FakeClock(), print, keep_on=False)
