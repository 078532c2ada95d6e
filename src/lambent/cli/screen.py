"""Where commands write: results to standard output, everything said about them to standard error."""

import contextlib
from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

from lambent.clock import Clock

WIDEST = 1_000


def results() -> Console:
    """For what a program may read: never coloured into something else, never wrapped."""
    return Console(soft_wrap=True, highlight=False, markup=False, emoji=False)


def notes() -> Console:
    """For people: progress, hints, errors."""
    return Console(stderr=True, soft_wrap=True, highlight=False)


def print_table(console: Console, table: Table) -> None:
    """In full: what is cut off to fit a screen is of no use to whoever copies it, or to a file."""
    wide = console.options.update(max_width=WIDEST)
    console.width = max(console.width, console.measure(table, options=wide).maximum)
    console.print(table)


class Steps:
    """Shows each step while it runs and how long it took."""

    def __init__(self, console: Console, clock: Clock) -> None:
        self._console, self._clock = console, clock

    @contextlib.contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Run the body as one step; a step that raises is marked as failed."""
        begin_s = self._clock.monotonic_s()
        try:
            with self._console.status(what):
                yield
        except BaseException:
            self._console.print(f"[red]✗[/red] {what}")
            raise
        self._console.print(f"[green]✓[/green] {what} [dim]{self._clock.monotonic_s() - begin_s:.1f} s[/dim]")
