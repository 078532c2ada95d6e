"""Timestamps in every format. Source: Smithy's `timestampFormat` trait."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.protocol.timestamps import (
    ISO8601,
    RFC822,
    UNIX,
    epoch_of,
    format_timestamp,
    from_epoch,
    iso_of,
    parse_timestamp,
)

MOMENT = datetime(2026, 1, 31, 23, 59, 59, 123000, tzinfo=UTC)
MOMENTS = st.datetimes(datetime(1902, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))


@pytest.mark.parametrize(
    ("text", "style", "moment"),
    [
        ("2026-01-31T23:59:59.123Z", ISO8601, MOMENT),
        ("2026-01-31T23:59:59.123456789Z", ISO8601, MOMENT + timedelta(microseconds=456)),
        ("2026-02-01T01:59:59.123+02:00", ISO8601, MOMENT),
        ("2026-01-31T23:59:59.123+0000", ISO8601, MOMENT),
        ("2026-01-31", ISO8601, datetime(2026, 1, 31, tzinfo=UTC)),
        ("Sat, 31 Jan 2026 23:59:59 GMT", RFC822, MOMENT.replace(microsecond=0)),
        ("1769903999.123", UNIX, MOMENT),
    ],
)
def test_each_format_is_read(text: str, style: str, moment: datetime) -> None:
    assert parse_timestamp(text, style) == moment


@pytest.mark.parametrize("text", ["", "now", "2026-13-01", "2026-01-31T25:00:00Z", "9" * 400, "nan", "inf", "1e300"])
@pytest.mark.parametrize("style", [ISO8601, RFC822, UNIX])
def test_what_is_no_time_is_refused(text: str, style: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse_timestamp(text, style)


@settings(max_examples=100)
@given(MOMENTS)
def test_every_moment_comes_back(moment: datetime) -> None:
    assert parse_timestamp(iso_of(moment), ISO8601) == moment
    assert abs(from_epoch(epoch_of(moment)) - moment) <= timedelta(microseconds=1)
    assert parse_timestamp(format_timestamp(moment, RFC822), RFC822) == moment.replace(microsecond=0)


def test_whole_seconds_show_no_fraction_but_for_s3() -> None:
    whole = MOMENT.replace(microsecond=0)
    assert (iso_of(whole), iso_of(whole, always_millis=True)) == ("2026-01-31T23:59:59Z", "2026-01-31T23:59:59.000Z")
    assert (iso_of(MOMENT), epoch_of(whole)) == ("2026-01-31T23:59:59.123Z", 1769903999)
    assert isinstance(epoch_of(whole), int)


def test_another_zone_is_written_as_utc() -> None:
    there = MOMENT.astimezone(timezone(timedelta(hours=5)))
    assert iso_of(there) == "2026-01-31T23:59:59.123Z"
    assert format_timestamp(there, RFC822) == "Sat, 31 Jan 2026 23:59:59 GMT"


def test_a_time_without_a_zone_is_a_bug() -> None:
    for write in (iso_of, epoch_of):
        with pytest.raises(ValueError, match="zone"):
            write(datetime(2026, 1, 1))
