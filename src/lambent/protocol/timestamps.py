"""Timestamps as AWS writes them: ISO 8601, RFC 822 and seconds since the epoch.

Knows: the three formats, both ways, to the microsecond. Does not know which one a member
uses: the readers and writers decide that from `timestampFormat` and the place.

Source: the `timestampFormat` trait in botocore's models; Smithy's documentation of the same.
"""

import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime

ISO8601, RFC822, UNIX = "iso8601", "rfc822", "unixtimestamp"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ISO_FORM = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?(?:([Zz])|([+-])(\d\d):?(\d\d)?)?",
    re.ASCII,
)


def from_epoch(seconds: float) -> datetime:
    """The moment `seconds` after the epoch. Raises ValueError when no calendar holds it."""
    try:
        return EPOCH + timedelta(microseconds=round(seconds * 1_000_000))
    except (OverflowError, ValueError):
        raise ValueError(f"{seconds} is not a time") from None


def _from_iso(text: str) -> datetime:
    found = ISO_FORM.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not an ISO 8601 time")
    year, month, day, hour, minute, second, fraction, _, sign, off_hours, off_minutes = found.groups()
    moment = datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), tzinfo=UTC)
    moment += timedelta(microseconds=int((fraction or "0").ljust(6, "0")[:6]))
    if sign:
        offset = timedelta(hours=int(off_hours), minutes=int(off_minutes or 0))
        moment = moment - offset if sign == "+" else moment + offset
    return moment


def _from_rfc822(text: str) -> datetime:
    moment = parsedate_to_datetime(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def parse_timestamp(text: str, style: str) -> datetime:
    """The moment that `text` names, which is written in `style`.

    Raises:
        ValueError: it is not written so, or names a day that does not exist.
    """
    try:
        if style == UNIX:
            return from_epoch(float(text))
        return _from_rfc822(text) if style == RFC822 else _from_iso(text)
    except (OverflowError, TypeError, IndexError) as error:
        raise ValueError(f"{text!r} is not a time") from error


def epoch_of(moment: datetime) -> int | float:
    """Seconds since the epoch; whole ones as int, so that JSON shows no `.0`."""
    if moment.tzinfo is None:
        raise ValueError("timestamps carry a time zone")
    microseconds = (moment - EPOCH) // timedelta(microseconds=1)
    seconds, rest = divmod(microseconds, 1_000_000)
    return seconds if rest == 0 else microseconds / 1_000_000


def iso_of(moment: datetime, always_millis: bool = False) -> str:
    """`2026-01-31T23:59:59Z`, with milliseconds (or microseconds) only where there are some, or always for S3."""
    if moment.tzinfo is None:
        raise ValueError("timestamps carry a time zone")
    moment = moment.astimezone(UTC)
    if moment.microsecond % 1000:
        style = "microseconds"
    else:
        style = "milliseconds" if moment.microsecond or always_millis else "seconds"
    return moment.isoformat(timespec=style).removesuffix("+00:00") + "Z"


def format_timestamp(moment: datetime, style: str) -> str:
    """`moment` written in `style`, for places that hold text."""
    if style == UNIX:
        return str(epoch_of(moment))
    if style == RFC822:
        return format_datetime(moment.astimezone(UTC).replace(microsecond=0), usegmt=True)
    return iso_of(moment)
