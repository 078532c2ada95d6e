"""What a template has at hand while it runs, and how much it may do. Pure.

Every step costs one unit, and text costs by its length, so that no template holds an edge up: what runs out
of units raises TemplateFailed.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

UNITS = 200_000
BYTES_FOR_A_UNIT = 256
LONGEST_CHARACTERS = 10 * 1024 * 1024  # of any one text: API Gateway's payload limit
DEEPEST_CALL = 20


class TemplateFailed(Exception):
    """The template cannot be read, or went wrong, or did too much; the message says where."""


class Dwelling(Protocol):
    """An object of the platform that templates may use, such as $input: only what these two give is reachable."""

    def member(self, name: str) -> Any:
        """The member of that name; None where there is none."""

    def call(self, name: str, arguments: list[Any]) -> Any:
        """Call a method. Raises TemplateFailed where there is none."""


class Halt(Exception):
    """#stop, or #break out of a loop."""

    def __init__(self, *, whole: bool) -> None:
        self.whole = whole


class Scope:
    """The variables of one run, its output so far, and the units it has left."""

    def __init__(self, variables: Mapping[str, Any]) -> None:
        self.variables: dict[str, Any] = dict(variables)
        self.macros: dict[str, Callable[[Scope, list[Any]], None]] = {}
        self.output: list[str] = []
        self.depth = 0
        self._units, self._characters = UNITS, 0

    def spend(self, units: int = 1) -> None:
        """Pay for work. Raises TemplateFailed."""
        self._units -= units
        if self._units < 0:
            raise TemplateFailed("the template does too much")

    def pay_for(self, text: str) -> str:
        """`text`, which was just made and has to be paid for. Raises TemplateFailed."""
        if len(text) > LONGEST_CHARACTERS:
            raise TemplateFailed("a text is too long")
        self.spend(1 + len(text) // BYTES_FOR_A_UNIT)
        return text

    def write(self, text: str) -> None:
        """Append to the output. Raises TemplateFailed."""
        self._characters += len(text)
        if self._characters > LONGEST_CHARACTERS:
            raise TemplateFailed("the output is too long")
        self.output.append(self.pay_for(text))

    def captured(self, run: Callable[["Scope"], None]) -> str:
        """What `run` writes, instead of writing it."""
        before, count = self.output, self._characters
        self.output = []
        try:
            run(self)
            return "".join(self.output)
        finally:
            self.output, self._characters = before, count
