"""Schedules as EventBridge writes them: `cron(...)`, `rate(...)` and `at(...)`, and when each is due next.

Pure: text and moments in, moments out; no clock is asked. Moments are milliseconds since the epoch.
`parse_schedule` raises InvalidSchedule; a `Schedule` answers `next_after(after_ms, anchor_ms, zone)`: its
first moment after `after_ms`, or None when there is none left. Only a rate asks for the anchor, from
which it counts; only cron and at ask for the zone.

Daylight saving, as EventBridge Scheduler documents it: a local time that does not exist is
skipped, and one that comes twice counts once, the first time. A rate is a duration and knows none.

No library does this: cronsim and croniter have no year field, number the days of the week
otherwise, and do daylight saving as Debian's cron does.

Sources: EventBridge User Guide, "Setting a schedule pattern for scheduled rules"; EventBridge Scheduler
User Guide, "Schedule types", "Time zones", "Daylight savings time".
"""

import re
from datetime import UTC, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from msgspec import Struct

from lambent.schedules.cron import Cron, parse_cron
from lambent.schedules.errors import InvalidSchedule
from lambent.schedules.zones import Zone, epoch_ms

__all__ = [
    "At",
    "CronSchedule",
    "InvalidSchedule",
    "Rate",
    "Schedule",
    "Zone",
    "newest",
    "parse_schedule",
    "zone_named",
]

_FORM = re.compile(r"(cron|rate|at)\((.*)\)", re.DOTALL)
_RATE = re.compile(r"([1-9]\d{0,9}) (minute|hour|day)(s?)", re.ASCII)
_AT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", re.ASCII)
_LOOK_BACK_MS = tuple(hours * 3_600_000 for hours in (1, 24, 24 * 31, 24 * 366))
_UNIT_MS = {"minute": 60_000, "hour": 3_600_000, "day": 86_400_000}


class Schedule(Protocol):
    """Whatever `parse_schedule` made."""

    def next_after(self, after_ms: int, anchor_ms: int, zone: Zone) -> int | None:
        """The first moment after `after_ms`, None when there is none."""


class Rate(Struct, frozen=True):
    """Every `every_ms` from the anchor on; the anchor itself is the first."""

    every_ms: int

    def next_after(self, after_ms: int, anchor_ms: int, zone: Zone) -> int | None:
        if after_ms < anchor_ms:
            return anchor_ms
        return anchor_ms + ((after_ms - anchor_ms) // self.every_ms + 1) * self.every_ms


class At(Struct, frozen=True):
    """Once, at a local time; never, where that time does not exist."""

    local: datetime

    def next_after(self, after_ms: int, anchor_ms: int, zone: Zone) -> int | None:
        moment_ms = epoch_ms(self.local, zone)
        return None if moment_ms is None or moment_ms <= after_ms else moment_ms


class CronSchedule(Struct, frozen=True):
    """At the local times that a cron expression names."""

    cron: Cron

    def next_after(self, after_ms: int, anchor_ms: int, zone: Zone) -> int | None:
        local = datetime.fromtimestamp(after_ms / 1000, UTC).astimezone(zone).replace(tzinfo=None, fold=0)
        while (found := self.cron.next_after(local)) is not None:
            moment_ms = epoch_ms(found, zone)
            if moment_ms is not None and moment_ms > after_ms:
                return moment_ms
            local = found
        return None


def parse_schedule(text: str, *, any_unit: bool = False) -> Schedule:
    """The schedule that `text` writes down. Raises InvalidSchedule.

    A rule wants `1 hour` and `2 hours`. EventBridge Scheduler does not count: its guide has `minutes | hours | days`
    for every number, and `rate(1 hour)` in its examples. That is `any_unit`.
    """
    match = _FORM.fullmatch(text)
    if match is None:
        raise InvalidSchedule(text, "it has to be cron(...), rate(...) or at(...)")
    kind, inside = match.groups()
    if kind == "cron":
        return CronSchedule(parse_cron(inside))
    return _rate(inside, any_unit) if kind == "rate" else _at(inside)


def newest(schedule: Schedule, moment_ms: int, until_ms: int, anchor_ms: int, zone: Zone) -> int:
    """The last moment up to `until_ms` of a schedule that has one at `moment_ms`: what is made up for after an outage.

    Looks back from the end, further and further, so a year of minutes costs no more than an hour of them.
    """
    for back_ms in _LOOK_BACK_MS:
        near_ms = schedule.next_after(max(moment_ms, until_ms - back_ms) - 1, anchor_ms, zone)
        if near_ms is not None and near_ms <= until_ms:
            moment_ms = near_ms
            break
    while True:
        following_ms = schedule.next_after(moment_ms, anchor_ms, zone)
        if following_ms is None or following_ms > until_ms:
            return moment_ms
        moment_ms = following_ms


def zone_named(name: str) -> Zone:
    """The IANA time zone. Raises InvalidSchedule."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown; a path that is none; a folder of the database
        raise InvalidSchedule(name, "it is not the name of a time zone") from None


def _rate(inside: str, any_unit: bool) -> Rate:
    match = _RATE.fullmatch(inside)
    if match is None or (not any_unit and (match[1] == "1") is (match[3] == "s")):
        raise InvalidSchedule(inside, "a rate is a number and minute, hour or day, with s unless the number is 1")
    return Rate(int(match[1]) * _UNIT_MS[match[2]])


def _at(inside: str) -> At:
    try:
        if _AT.fullmatch(inside):
            return At(datetime.fromisoformat(inside))
    except ValueError:
        pass  # such as the 30th of February: refused like any other text
    raise InvalidSchedule(inside, "it has to be at(yyyy-mm-ddThh:mm:ss)")
