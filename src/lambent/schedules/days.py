"""The two day fields of a cron expression, of which one counts: which days of a month are meant.

| text | field | days |
| --- | --- | --- |
| `1,15` `*/2` | month | those |
| `L` | month | the last one |
| `3W`, `LW` | month | the weekday nearest to the 3rd, to the last, within the month |
| `MON-FRI` `1,7` | week | every such day; 1 is Sunday |
| `L` | week | every Saturday, the last day of the week |
| `5L` | week | the month's last Thursday |
| `2#1` | week | the month's first Monday |

Pure. Source: EventBridge User Guide, "Cron expressions", its table of wildcards.
"""

import re
from calendar import monthrange

from msgspec import Struct

from lambent.schedules.errors import InvalidSchedule
from lambent.schedules.fields import DAYS_OF_MONTH, DAYS_OF_WEEK

_NEAREST = re.compile(r"(L|\d{1,2})W", re.ASCII)
_NTH = re.compile(r"(\w+)#([1-5])", re.ASCII)
_LAST_WEEKDAY = re.compile(r"(\d|[A-Za-z]{3})L", re.ASCII)
SATURDAY, SUNDAY = 5, 6  # as calendar counts: Monday is 0
LAST = 0  # stands for the last day of the month


class Days(Struct, frozen=True):
    """Days of a month, as the sum of what its parts name."""

    numbers: frozenset[int] = frozenset()
    last: bool = False
    nearest: tuple[int, ...] = ()
    weekdays: frozenset[int] = frozenset()
    last_weekdays: frozenset[int] = frozenset()
    nth: tuple[int, int] | None = None

    def of(self, year: int, month: int) -> list[int]:
        """The days of that month, in order."""
        first, length = monthrange(year, month)
        found = {day for day in self.numbers if day <= length}
        if self.last:
            found.add(length)
        found.update(_nearest_weekday(day or length, first, length) for day in self.nearest if day <= length)
        found.update(day for day in range(1, length + 1) if _weekday(first, day) in self.weekdays)
        found.update(day for day in range(length - 6, length + 1) if _weekday(first, day) in self.last_weekdays)
        if self.nth is not None:
            weekday, number = self.nth
            day = 1 + (weekday - first) % 7 + 7 * (number - 1)
            found.update([day] if day <= length else [])
        return sorted(found)


def parse_days(of_month: str, of_week: str) -> Days:
    """The days that the two fields mean. Raises InvalidSchedule."""
    if (of_month == "?") is (of_week == "?"):
        raise InvalidSchedule(f"{of_month} {of_week}", "one of the two days has to be ?, and not both")
    return _of_week(of_week) if of_month == "?" else _of_month(of_month)


def _of_month(text: str) -> Days:
    plain, nearest, last = list[str](), list[int](), False
    for part in text.split(","):
        match = _NEAREST.fullmatch(part.upper())
        if part.upper() == "L":
            last = True
        elif match is not None:
            nearest.append(LAST if match[1] == "L" else DAYS_OF_MONTH.number(match[1]))
        else:
            plain.append(part)
    numbers = DAYS_OF_MONTH.numbers(",".join(plain)) if plain else frozenset[int]()
    return Days(numbers=numbers, last=last, nearest=tuple(nearest))


def _of_week(text: str) -> Days:
    nth = _NTH.fullmatch(text)
    if nth is not None:
        return Days(nth=(_as_calendar(DAYS_OF_WEEK.number(nth[1])), int(nth[2])))
    if text.upper() == "L":
        return Days(weekdays=frozenset([SATURDAY]))
    plain, last = list[str](), set[int]()
    for part in text.split(","):
        match = _LAST_WEEKDAY.fullmatch(part)
        if match is not None:
            last.add(_as_calendar(DAYS_OF_WEEK.number(match[1])))
        else:
            plain.append(part)
    numbers = DAYS_OF_WEEK.numbers(",".join(plain)) if plain else frozenset[int]()
    return Days(weekdays=frozenset(map(_as_calendar, numbers)), last_weekdays=frozenset(last))


def _as_calendar(day_of_week: int) -> int:
    return (day_of_week + 5) % 7


def _weekday(first: int, day: int) -> int:
    return (first + day - 1) % 7


def _nearest_weekday(day: int, first: int, length: int) -> int:
    weekday = _weekday(first, day)
    if weekday == SATURDAY:
        return day - 1 if day > 1 else day + 2
    if weekday == SUNDAY:
        return day + 1 if day < length else day - 2
    return day
