"""How rooms tell what they have counted, for CloudWatch's metrics: cheap, and never waited for.

What happens to functions is in the journal; this is for everything that is not an invocation.
"""

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct

from lambent.model.function import FunctionKey

Dimensions = tuple[tuple[str, str], ...]


class Collected(Struct, frozen=True, array_like=True):
    """Values of one metric that were seen in the minute from `start_s` on, each with how often it was.

    `place` is account and Region. They count for each of the sets of `dimensions`, whose names are in order.
    """

    place: tuple[str, str]
    namespace: str
    name: str
    unit: str
    start_s: int
    dimensions: tuple[Dimensions, ...]
    values: Mapping[int, int]


class Meter(Protocol):
    """Takes counts. What it was told in the last moments before a crash is lost; it is no book-keeping."""

    def measure(
        self, place: tuple[str, str], namespace: str, values: dict[str, float], dimensions: Dimensions, unit: str
    ) -> None:
        """These values were seen now, by the names of their metrics. `place` is account and Region."""


class Collector(Protocol):
    """Takes what another process has counted."""

    def collect(self, collected: Collected) -> None:
        """It was seen there."""


class Silence:
    """A meter that nobody reads."""

    def measure(
        self, place: tuple[str, str], namespace: str, values: dict[str, float], dimensions: Dimensions, unit: str
    ) -> None:
        """Forget them."""


SILENCE = Silence()


def measure_function(meter: Meter, function: FunctionKey, name: str, value: float = 1.0, unit: str = "Count") -> None:
    """A metric of AWS/Lambda, of the function and of its account."""
    for dimensions in ((), (("FunctionName", function.name),)):
        meter.measure(function.place, "AWS/Lambda", {name: value}, dimensions, unit)
