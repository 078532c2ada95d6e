"""How rooms tell what they have counted, for CloudWatch's metrics: cheap, and never waited for.

What happens to functions is in the journal; this is for everything that is not an invocation.
"""

from typing import Protocol

Dimensions = tuple[tuple[str, str], ...]


class Meter(Protocol):
    """Takes counts. What it was told in the last moments before a crash is lost; it is no book-keeping."""

    def measure(
        self, place: tuple[str, str], namespace: str, values: dict[str, float], dimensions: Dimensions, unit: str
    ) -> None:
        """These values were seen now, by the names of their metrics. `place` is account and Region."""


class Silence:
    """A meter that nobody reads."""

    def measure(
        self, place: tuple[str, str], namespace: str, values: dict[str, float], dimensions: Dimensions, unit: str
    ) -> None:
        """Forget them."""


SILENCE = Silence()
