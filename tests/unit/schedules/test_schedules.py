"""Schedules: expressions of the documentation, and what must hold of all of them.

Sources: EventBridge User Guide, "Setting a schedule pattern for scheduled rules" (the tables of wildcards and
examples); EventBridge Scheduler User Guide, "Daylight savings time".
"""

import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.schedules.api import CronSchedule, InvalidSchedule, Zone, newest, parse_schedule, zone_named

NEW_YORK = zone_named("America/New_York")


def moments(expression: str, begin: str, count: int, zone: Zone = UTC) -> list[str]:
    schedule = parse_schedule(expression)
    at_ms: int | None = ms(begin, zone)
    found = []
    for _ in range(count):
        assert at_ms is not None
        at_ms = schedule.next_after(at_ms, 0, zone)
        if at_ms is None:
            break
        found.append(datetime.fromtimestamp(at_ms / 1000, zone).strftime("%Y-%m-%dT%H:%M"))
    return found


def ms(text: str, zone: Zone = UTC) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1000)


EXAMPLES = [
    # "Cron expression examples"
    ("cron(0 10 * * ? *)", ["2026-01-01T10:00", "2026-01-02T10:00"]),
    ("cron(15 12 * * ? *)", ["2026-01-01T12:15", "2026-01-02T12:15"]),
    ("cron(0 18 ? * MON-FRI *)", ["2026-01-01T18:00", "2026-01-02T18:00", "2026-01-05T18:00"]),
    ("cron(0 8 1 * ? *)", ["2026-01-01T08:00", "2026-02-01T08:00"]),
    ("cron(0/15 * * * ? *)", ["2026-01-01T00:15", "2026-01-01T00:30"]),
    ("cron(0/10 * ? * MON-FRI *)", ["2026-01-01T00:10"]),
    ("cron(0/5 8-17 ? * MON-FRI *)", ["2026-01-01T08:00", "2026-01-01T08:05"]),
    ("cron(0/30 20-2 ? * MON-FRI *)", []),
    # wildcards
    ("cron(0 0 L * ? *)", ["2026-01-31T00:00", "2026-02-28T00:00", "2026-03-31T00:00"]),
    ("cron(0 0 L 2 ? *)", ["2026-02-28T00:00", "2027-02-28T00:00", "2028-02-29T00:00"]),
    ("cron(0 0 3W * ? *)", ["2026-01-02T00:00", "2026-02-03T00:00", "2026-03-03T00:00", "2026-04-03T00:00"]),
    ("cron(0 0 1W 8 ? *)", ["2026-08-03T00:00"]),  # the 1st is a Saturday
    ("cron(0 0 31W 5 ? *)", ["2026-05-29T00:00"]),  # the 31st is a Sunday, and the last
    ("cron(0 0 LW 1 ? *)", ["2026-01-30T00:00"]),
    ("cron(0 0 ? * 5L *)", ["2026-01-29T00:00", "2026-02-26T00:00"]),
    ("cron(0 0 ? * FRIL *)", ["2026-01-30T00:00"]),
    ("cron(0 0 ? * 2#1 *)", ["2026-01-05T00:00", "2026-02-02T00:00"]),
    ("cron(0 0 ? * FRI#5 *)", ["2026-01-30T00:00", "2026-05-29T00:00"]),
    ("cron(0 0 ? * L *)", ["2026-01-03T00:00", "2026-01-10T00:00"]),
    ("cron(0 0 ? jan,Dec sun *)", ["2026-01-04T00:00"]),
    ("cron(0 0 29 2 ? *)", ["2028-02-29T00:00", "2032-02-29T00:00"]),
    ("cron(0 0 1 1 ? 2030-2040/5)", ["2030-01-01T00:00", "2035-01-01T00:00", "2040-01-01T00:00"]),
    ("cron(59 23 31 12 ? 2199)", ["2199-12-31T23:59"]),
    ("at(2030-05-06T07:08:09)", ["2030-05-06T07:08"]),
]


@pytest.mark.parametrize(("expression", "expected"), [each for each in EXAMPLES if each[1]])
def test_an_expression_names_these_moments(expression: str, expected: list[str]) -> None:
    assert moments(expression, "2026-01-01T00:00:00", len(expected)) == expected


@pytest.mark.parametrize("expression", ["cron(0 0 1 1 ? 1999)", "cron(0 0 31 2 ? *)", "at(2020-01-01T00:00:00)"])
def test_what_lies_behind_or_never_comes_has_no_next(expression: str) -> None:
    assert moments(expression, "2026-01-01T00:00:00", 1) == []


@pytest.mark.parametrize(
    "expression",
    [
        *("", "cron()", "cron(* * * * *)", "cron(0 10 * * * *)", "cron(0 10 ? * ? *)", "cron(60 * * * ? *)"),
        *("cron(* 24 * * ? *)", "cron(* * 0 * ? *)", "cron(* * 32 * ? *)", "cron(* * * 13 ? *)", "cron(* * ? * 8 *)"),
        *("cron(* * * * ? 1969)", "cron(* * * * ? 2200)", "cron(0/0 * * * ? *)", "cron(5-1 * * * ? *)"),
        *("cron(, * * * ? *)", "cron(1, * * * ? *)", "cron(* * ? * 3#6 *)", "cron(* * ? * 3#1,4#1 *)"),
        *("cron(* * 40W * ? *)", "cron(a * * * ? *)", "cron(L * * * ? *)", "cron(* * ? * MOON *)", "cron(² * * * ? *)"),
        *("rate(1 minutes)", "rate(5 minute)", "rate(0 minutes)", "rate(1 second)", "rate(-1 hours)", "rate(5  hours)"),
        *("at(2026-02-30T00:00:00)", "at(2026-01-01)", "at(now)", "every day", "cron(0 10 * * ? *) "),
    ],
)  # fmt: skip
def test_what_is_no_schedule_is_refused(expression: str) -> None:
    with pytest.raises(InvalidSchedule):
        parse_schedule(expression)


def test_a_rate_counts_from_its_anchor() -> None:
    rate = parse_schedule("rate(5 minutes)")
    assert rate.next_after(999, 1_000, UTC) == 1_000
    assert rate.next_after(1_000, 1_000, UTC) == 301_000
    assert rate.next_after(301_001, 1_000, UTC) == 601_000


@pytest.mark.parametrize(
    ("expression", "minutes"), [("rate(1 hours)", 60), ("rate(5 minute)", 5), ("rate(1 day)", 1440)]
)
def test_a_rate_of_the_scheduler_takes_any_unit(expression: str, minutes: int) -> None:
    """EventBridge Scheduler User Guide, "Rate-based schedules"; the example of Terraform's provider."""
    assert parse_schedule(expression, any_unit=True).next_after(0, 0, UTC) == minutes * 60_000


def test_an_hour_that_is_skipped_in_spring_skips_the_schedule() -> None:
    """2026-03-08 in New York: 02:00 to 03:00 does not exist."""
    found = moments("cron(30 2 * * ? *)", "2026-03-07T00:00:00", 3, NEW_YORK)
    assert found == ["2026-03-07T02:30", "2026-03-09T02:30", "2026-03-10T02:30"]
    assert parse_schedule("at(2026-03-08T02:30:00)").next_after(0, 0, NEW_YORK) is None


def test_an_hour_that_comes_twice_in_autumn_counts_once() -> None:
    """2026-11-01 in New York: 01:00 to 02:00 comes twice."""
    found = moments("cron(30 * * * ? *)", "2026-11-01T00:00:00", 4, NEW_YORK)
    assert found == ["2026-11-01T00:30", "2026-11-01T01:30", "2026-11-01T02:30", "2026-11-01T03:30"]
    second = ms("2026-11-01T01:10:00+00:00".replace("+00:00", ""), NEW_YORK) + 3_600_000
    schedule = parse_schedule("cron(30 1 * * ? *)")
    following = schedule.next_after(second, 0, NEW_YORK)  # within the hour that comes again
    assert following == ms("2026-11-02T01:30:00", NEW_YORK)


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../../etc/passwd", "/etc/passwd", "America", "Europe/Berlin\0"])
def test_what_is_no_time_zone_is_refused(name: str) -> None:
    with pytest.raises(InvalidSchedule):
        zone_named(name)


def number(low: int, high: int) -> st.SearchStrategy[str]:
    one = st.integers(low, high).map(str)
    pair = st.tuples(st.integers(low, high), st.integers(low, high)).map(lambda two: f"{min(two)}-{max(two)}")
    step = st.builds(lambda base, by: f"{base}/{by}", st.just("*") | one | pair, st.integers(1, 30))
    return st.lists(one | pair | step, min_size=1, max_size=2).map(",".join) | st.just("*")


MONTH_DAYS = number(1, 31) | st.sampled_from(["L", "LW", "15W", "1W,L"])
WEEK_DAYS = number(1, 7) | st.sampled_from(["L", "6L", "MON#3", "TUE-THU"])
CRONS = st.builds(
    lambda minute, hour, days, month, year: f"cron({minute} {hour} {days[0]} {month} {days[1]} {year})",
    number(0, 59),
    number(0, 23),
    st.tuples(MONTH_DAYS, st.just("?")) | st.tuples(st.just("?"), WEEK_DAYS),
    number(1, 12),
    st.sampled_from(["*", "2024-2031", "2027"]),
)
ZONES = st.sampled_from(["UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kolkata"])


@settings(max_examples=100)
@given(CRONS, ZONES, st.integers(1_767_225_600, 1_900_000_000))
def test_moments_strictly_increase_and_each_matches(expression: str, name: str, begin_s: int) -> None:
    schedule, zone, at_ms = parse_schedule(expression), zone_named(name), begin_s * 1000
    assert isinstance(schedule, CronSchedule)
    for _ in range(4):
        following = schedule.next_after(at_ms, 0, zone)
        if following is None:
            return
        assert following > at_ms
        local = datetime.fromtimestamp(following / 1000, zone)
        assert local.fold == 0
        assert matches(schedule, local)
        at_ms = following


@settings(max_examples=30)
@given(CRONS, st.integers(1_767_225_600, 1_800_000_000))
def test_no_moment_is_left_out(expression: str, begin_s: int) -> None:
    """Against walking through the minutes of two days."""
    schedule = parse_schedule(expression)
    assert isinstance(schedule, CronSchedule)
    begin = datetime.fromtimestamp(begin_s // 60 * 60, UTC)
    expected = [
        begin + timedelta(minutes=n) for n in range(1, 2 * 1440) if matches(schedule, begin + timedelta(minutes=n))
    ]
    following = schedule.next_after(round(begin.timestamp() * 1000), 0, UTC)
    if expected:
        assert following == round(expected[0].timestamp() * 1000)
    else:
        assert following is None or following >= round((begin + timedelta(days=2)).timestamp() * 1000)


def matches(schedule: CronSchedule, local: datetime) -> bool:
    cron = schedule.cron
    return (
        local.minute in cron.minutes
        and local.hour in cron.hours
        and local.month in cron.months
        and local.year in cron.years
        and local.day in cron.days.of(local.year, local.month)
    )


@settings(max_examples=100)
@given(st.text("cronateminushdayLW?#*/,-()019 :T", max_size=40) | st.text(max_size=20))
def test_any_text_is_a_schedule_or_is_refused(text: str) -> None:
    for form in (text, f"cron({text})", f"rate({text})", f"at({text})"):
        try:
            parse_schedule(form).next_after(0, 0, UTC)
        except InvalidSchedule:
            continue


def test_ten_years_of_a_daily_schedule_take_well_under_a_second() -> None:
    begin_s = time.process_time()
    found = moments("cron(30 2 ? * MON-FRI *)", "2026-01-01T00:00:00", 2_600, NEW_YORK)
    assert found[-1] > "2035-12"
    assert time.process_time() - begin_s < 1.0


@settings(max_examples=40)
@given(CRONS | st.sampled_from(["rate(7 minutes)", "rate(3 days)"]), st.integers(1, 4 * 24 * 60))
def test_the_newest_of_what_was_missed_is_the_last_that_was_due(expression: str, minutes: int) -> None:
    schedule, begin_ms = parse_schedule(expression), 1_767_225_600_000
    moment_ms = schedule.next_after(begin_ms, begin_ms, UTC)
    if moment_ms is None:
        return
    until_ms = moment_ms + minutes * 60_000
    every = [moment_ms]
    while (following := schedule.next_after(every[-1], begin_ms, UTC)) is not None and following <= until_ms:
        every.append(following)
    assert newest(schedule, moment_ms, until_ms, begin_ms, UTC) == every[-1]


def test_an_outage_of_ten_years_is_made_up_for_at_once() -> None:
    begin_s = time.process_time()
    ten_years_ms = 10 * 365 * 86_400_000
    assert newest(parse_schedule("cron(* * * * ? *)"), 0, ten_years_ms, 0, UTC) == ten_years_ms
    assert time.process_time() - begin_s < 0.5
