"""`lambent runtimes`: the interpreters of a running server, and what waits ready-made of each."""

import json
import os
from typing import Annotated, Any, Literal

import typer

from lambent.cli import screen
from lambent.cli.access import find_access, read_status
from lambent.cli.options import Data
from lambent.cli.status import table

HELP = """Show the runtimes that the server found: version, place, and the processes that wait for a function.

A process counts as soon as it is started, also while its runtime boots; memory is the most that those which wait have
taken. What is missing, and how to get it, says: lambent doctor

Examples:

  lambent runtimes

  lambent runtimes --format json | jq '.[].runtime'
"""
COLUMNS = ("runtime", "version", "interpreter", "waiting", "memory")
MIB = 1024 * 1024


def rows(found: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    """One line for each runtime."""
    return [
        (
            one["runtime"],
            one["version"],
            one["executable"],
            ", ".join(_waiting(each) for each in one["waiting"] if each["count"]) or "-",
            f"{sum(each['bytes'] for each in one['waiting']) / MIB:.0f} MB",
        )
        for one in found
    ]


def _waiting(pool: dict[str, Any]) -> str:
    return f"{pool['count']} of {pool['memory_mb']} MB" if pool["memory_mb"] else str(pool["count"])


def runtimes(
    data: Data = None, format: Annotated[Literal["text", "json"], typer.Option(help="How to write it.")] = "text"
) -> None:
    """Ask the server and show what it says."""
    found = read_status(find_access(data, os.environ)).get("runtimes", [])
    console = screen.results()
    if format == "json":
        console.print(json.dumps(found, indent=2))
        return
    screen.print_table(console, table("", COLUMNS, rows(found)))
