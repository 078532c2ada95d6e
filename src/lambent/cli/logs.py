"""`lambent logs`: what a function wrote, from CloudWatch Logs."""

import asyncio
import os
import re
from collections.abc import Callable
from typing import Annotated, Any

import typer

from lambent.cli import screen
from lambent.cli.access import client, find_access
from lambent.cli.errors import CommandError
from lambent.cli.options import Data
from lambent.clock import Clock, SystemClock

HELP = """Show the log of a function.

Examples:

  lambent logs hello

  lambent logs hello --since 2h

  lambent logs hello --follow
"""
UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}
SPAN = re.compile(r"(\d{1,9})([smhd])")
POLL_S = 1.0
# A line may arrive this much after its own time; asking again for so long loses none.
LATE_MS = 10_000


def span_s(text: str, of: str = "--since") -> int:
    """`10m` as seconds.

    Raises:
        CommandError: it is not a number with s, m, h or d.
    """
    match = SPAN.fullmatch(text)
    if match is None:
        raise CommandError(f"{of} takes a number with s, m, h or d, such as 10m; not {text!r}")
    return int(match[1]) * UNITS_S[match[2]]


def log_group(name: str) -> str:
    """The log group of a function, given its name or ARN, with or without a qualifier."""
    parts = name.split(":")
    return "/aws/lambda/" + (parts[parts.index("function") + 1] if "function" in parts[:-1] else parts[0])


def new_events(logs: Any, group: str, start_ms: int, seen: dict[str, int]) -> list[dict[str, Any]]:
    """The events since `start_ms` that are not in `seen`, which then holds them too."""
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=start_ms)
    events = [event for page in pages for event in page["events"] if event["eventId"] not in seen]
    seen.update({event["eventId"]: event["timestamp"] for event in events})
    return events


async def follow(
    logs: Any, group: str, start_ms: int, clock: Clock, show: Callable[[dict[str, Any]], None], *, keep_on: bool
) -> None:
    """Show what is there and, if `keep_on`, everything that comes until cancelled."""
    seen: dict[str, int] = {}
    while True:
        try:
            for event in new_events(logs, group, start_ms, seen):
                show(event)
        except logs.exceptions.ResourceNotFoundException:
            if not keep_on:
                raise CommandError(f"{group} holds nothing yet; it appears with the first invocation") from None
        if not keep_on:
            return
        start_ms = max(start_ms, max(seen.values(), default=0) - LATE_MS)
        for event_id in [known for known, time_ms in seen.items() if time_ms < start_ms]:
            del seen[event_id]
        await clock.sleep(POLL_S)


def logs(
    name: Annotated[str, typer.Argument(help="Name or ARN of the function.")],
    keep_on: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
    since: Annotated[str, typer.Option(metavar="SPAN", help="How far back: 30s, 10m, 2h, 1d.")] = "10m",
    data: Data = None,
) -> None:
    """Print events as they were written."""
    clock, console = SystemClock(), screen.results()
    start_ms = clock.now_ms() - span_s(since) * 1000
    service = client(find_access(data, os.environ), "logs")

    def show(event: dict[str, Any]) -> None:
        console.print(event["message"].rstrip("\n"))

    asyncio.run(follow(service, log_group(name), start_ms, clock, show, keep_on=keep_on))
