"""The fields of a cron expression: text to sets of numbers.

Knows: ranges, lists, steps and names. Does not know `L`, `W` and `#`, which depend on the month (days.py).
"""

import re
from collections.abc import Mapping

from msgspec import Struct

from lambent.schedules.errors import InvalidSchedule

_PART = re.compile(r"(?:(?P<star>\*)|(?P<low>\w+)(?:-(?P<high>\w+))?)?(?:/(?P<step>\d{1,4}))?", re.ASCII)


class Field(Struct, frozen=True):
    """What a field may hold."""

    name: str
    low: int
    high: int
    names: Mapping[str, int] = {}

    def numbers(self, text: str) -> frozenset[int]:
        """The numbers that `text` names. Raises InvalidSchedule."""
        found: set[int] = set()
        for part in text.split(","):
            found |= self._part(part)
        return frozenset(found)

    def number(self, text: str) -> int:
        """One number or name. Raises InvalidSchedule."""
        value = self.names.get(text.upper())
        if value is None:
            if not (text.isascii() and text.isdigit() and len(text) <= 4):
                raise self.wrong(text)
            value = int(text)
        if not self.low <= value <= self.high:
            raise self.wrong(text)
        return value

    def wrong(self, text: str) -> InvalidSchedule:
        """That this is no such field."""
        return InvalidSchedule(text, f"it is no {self.name}, which is {self.low} to {self.high}")

    def _part(self, part: str) -> set[int]:
        match = _PART.fullmatch(part)
        if match is None or not part:
            raise self.wrong(part)
        step = 1 if match["step"] is None else int(match["step"])
        if match["low"] is None:
            low, high = self.low, self.high
        else:
            low = self.number(match["low"])
            high = self.number(match["high"]) if match["high"] else self.high if match["step"] else low
        if step == 0 or high < low:
            raise self.wrong(part)
        return set(range(low, high + 1, step))


_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
MINUTES, HOURS = Field("minute", 0, 59), Field("hour", 0, 23)
DAYS_OF_MONTH = Field("day of the month", 1, 31)
MONTHS = Field("month", 1, 12, {name: number for number, name in enumerate(_MONTHS, 1)})
DAYS_OF_WEEK = Field("day of the week", 1, 7, {name: number for number, name in enumerate(_DAYS, 1)})
YEARS = Field("year", 1970, 2199)
