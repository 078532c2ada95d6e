"""`lambent clock`: the time of a development server, shown and moved ahead."""

import os
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

import typer

from lambent.cli import screen
from lambent.cli.access import ask, find_access
from lambent.cli.errors import CommandError
from lambent.cli.logs import span_s
from lambent.cli.options import Data

HELP = """Show the time of a development server, or move it ahead.

Retries, event ages, visibility timeouts, schedules and retention then happen at once. Only a server that was
started with --dev-credentials lets its time be moved, and only ahead.

Examples:

  lambent clock advance 2m

  lambent clock show
"""
PATH = "/_lambent/clock"


def clock(
    what: Annotated[Literal["show", "advance"], typer.Argument(help="`show` the time, or `advance` it.")] = "show",
    by: Annotated[str, typer.Argument(help="How far: a number with s, m, h or d.")] = "",
    data: Data = None,
) -> None:
    """Ask the server, or tell it."""
    if bool(by) != (what == "advance"):
        raise CommandError("say how far: lambent clock advance 2m" if not by else "only `advance` takes a span")
    access = find_access(data, os.environ)
    said = (
        ask(access, "POST", f"{PATH}?seconds={span_s(by, '`lambent clock advance`')}")
        if by
        else ask(access, "GET", PATH)
    )
    screen.results().print(told(said))


def told(said: dict[str, Any]) -> str:
    """What the clock shows, in words."""
    now = datetime.fromtimestamp(said["now_s"], UTC).isoformat(timespec="seconds").removesuffix("+00:00")
    ahead_s = round(said["shift_s"])
    return f"{now}Z" + (f", {timedelta(seconds=ahead_s)} ahead of this machine" if ahead_s else "")
