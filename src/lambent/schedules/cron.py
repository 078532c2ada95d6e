"""Cron expressions of six fields: minute, hour, day of the month, month, day of the week, year. Pure.

Times here are naive local ones; zones are api.py's.
"""

from bisect import bisect_left, bisect_right
from datetime import datetime

from msgspec import Struct

from lambent.schedules.days import Days, parse_days
from lambent.schedules.errors import InvalidSchedule
from lambent.schedules.fields import HOURS, MINUTES, MONTHS, YEARS


class Cron(Struct, frozen=True):
    """A parsed expression; each tuple is sorted."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: Days
    months: tuple[int, ...]
    years: tuple[int, ...]

    def next_after(self, moment: datetime) -> datetime | None:
        """The first time after `moment`, to the minute."""
        for year in self.years[bisect_left(self.years, moment.year) :]:
            first_month = moment.month if year == moment.year else 1
            for month in self.months[bisect_left(self.months, first_month) :]:
                found = self._in_month(year, month, moment)
                if found is not None:
                    return found
        return None

    def _in_month(self, year: int, month: int, moment: datetime) -> datetime | None:
        days = self.days.of(year, month)
        if (year, month) != (moment.year, moment.month):
            return _local(year, month, days[0], self.hours[0], self.minutes[0]) if days else None
        for day in days[bisect_left(days, moment.day) :]:
            if day > moment.day:
                return _local(year, month, day, self.hours[0], self.minutes[0])
            time = self._later_today(moment)
            if time is not None:
                return _local(year, month, day, *time)
        return None

    def _later_today(self, moment: datetime) -> tuple[int, int] | None:
        at = bisect_left(self.hours, moment.hour)
        if at < len(self.hours) and self.hours[at] == moment.hour:
            minute = bisect_right(self.minutes, moment.minute)
            if minute < len(self.minutes):
                return moment.hour, self.minutes[minute]
            at += 1
        return (self.hours[at], self.minutes[0]) if at < len(self.hours) else None


def _local(year: int, month: int, day: int, hour: int, minute: int) -> datetime:
    return datetime(year, month, day, hour, minute)  # noqa: DTZ001  local on purpose: the zone is api.py's


def parse_cron(inside: str) -> Cron:
    """What stands between the brackets of `cron(...)`. Raises InvalidSchedule."""
    fields = inside.split()
    if len(fields) != 6:
        raise InvalidSchedule(inside, f"a cron expression has six fields, not {len(fields)}")
    minute, hour, of_month, month, of_week, year = fields
    return Cron(
        minutes=tuple(sorted(MINUTES.numbers(minute))),
        hours=tuple(sorted(HOURS.numbers(hour))),
        days=parse_days(of_month, of_week),
        months=tuple(sorted(MONTHS.numbers(month))),
        years=tuple(sorted(YEARS.numbers(year))),
    )
