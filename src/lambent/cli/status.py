"""`lambent status`: the parts of a running server, and the environments it holds."""

import json
import os
from typing import Annotated, Any, Literal

import typer
from rich.table import Table

from lambent.cli import screen
from lambent.cli.access import find_access, read_status
from lambent.cli.options import Data

HELP = """Show the parts of the server with their pids, the file systems it lends, and the living environments.

Examples:

  lambent status

  lambent status --format json | jq .parts.agent.pid
"""

COLUMNS = ("function", "version", "memory_mb", "edge", "pid", "initialised", "provisioned_for", "environment_id")


def rows(parts: dict[str, Any]) -> list[tuple[str, str]]:
    """Name and pid of each part; parts that come in several are numbered."""
    found: list[tuple[str, str]] = []
    for name, part in parts.items():
        if isinstance(part, list):
            found += [(f"{name} {number}", str(one.get("pid", "-"))) for number, one in enumerate(part)]
        else:
            found.append((name, str((part or {}).get("pid", "-"))))
    return found


def table(title: str, columns: tuple[str, ...], lines: list[tuple[str, ...]]) -> Table:
    """A plain table."""
    shown = Table(*columns, title=title, title_justify="left", box=None, pad_edge=False)
    for line in lines:
        shown.add_row(*line)
    return shown


def status(
    data: Data = None, format: Annotated[Literal["text", "json"], typer.Option(help="How to write it.")] = "text"
) -> None:
    """Ask the server and show what it says."""
    access = find_access(data, os.environ)
    answer = read_status(access)
    console = screen.results()
    if format == "json":
        console.print(json.dumps(answer, indent=2))
        return
    screen.print_table(console, table(access.endpoint, ("part", "pid"), list(rows(answer.get("parts", {})))))
    for one in answer["file_systems"]:  # an ARN that is cut off would be of no use
        may = "to read" if one["read_only"] else "to read and write"
        console.print(f"\nfile system {one['name']}, {one['path']}, {may}\n{one['arn']}", soft_wrap=True)
    if answer["websockets"]:
        console.print(f"\n{answer['websockets']} websockets")
    environments = answer.get("environments", [])
    console.print(f"\n{len(environments)} environments")
    if environments:
        lines = [tuple(_cell(one.get(key)) for key in COLUMNS) for one in environments]
        screen.print_table(console, table("", COLUMNS, lines))


def _cell(value: Any) -> str:
    """A value of the answer in few words: a function by its name."""
    return str(value.get("name", value)) if isinstance(value, dict) else str(value)
