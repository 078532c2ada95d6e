"""`lambent invoke`: run a function and show its answer."""

import base64
import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from lambent.cli import screen
from lambent.cli.access import Access, client, find_access
from lambent.cli.errors import CommandError
from lambent.cli.options import Data

HELP = """Run a function and print what it answers.

The answer goes to standard output, the REPORT line to standard error. The exit code is 1 when the
function failed.

Examples:

  lambent invoke hello --payload '{"name": "Ada"}'

  lambent invoke hello --payload @event.json --tail

  echo '{"name": "Ada"}' | lambent invoke hello --payload - | jq .
"""


def payload_bytes(text: str) -> bytes:
    """The payload that `text` means: JSON itself, `@FILE`, or `-` for standard input.

    Raises:
        CommandError: it is not JSON.
    """
    if text == "-":
        data = sys.stdin.buffer.read()
    elif text.startswith("@"):
        data = Path(text[1:]).read_bytes()
    else:
        data = text.encode()
    try:
        json.loads(data)
    except ValueError as error:
        raise CommandError(f"the payload is not JSON: {error}") from None
    return data


def call(access: Access, name: str, payload: bytes) -> tuple[bytes, list[str], str]:
    """Invoke; the answer, the log lines (4 KiB at most), and the function error ("" for none)."""
    answer: dict[str, Any] = client(access, "lambda").invoke(FunctionName=name, Payload=payload, LogType="Tail")
    log = base64.b64decode(answer.get("LogResult", "")).decode("utf-8", "replace")
    return answer["Payload"].read(), log.splitlines(), answer.get("FunctionError", "")


def report_line(lines: list[str]) -> str:
    """The REPORT line, its tabs made into spaces; "" when there is none."""
    reports = [line for line in lines if line.startswith("REPORT ")]
    return "  ".join(reports[-1].split("\t")).strip() if reports else ""


def invoke(
    name: Annotated[str, typer.Argument(help="Name or ARN of the function.")],
    payload: Annotated[str, typer.Option(metavar="JSON|@FILE|-", help="The event.")] = "{}",
    tail: Annotated[bool, typer.Option("--tail", help="Show the invocation's log lines, up to 4 KiB.")] = False,
    data: Data = None,
) -> None:
    """Invoke once."""
    answer, lines, error = call(find_access(data, os.environ), name, payload_bytes(payload))
    screen.results().print(answer.decode("utf-8", "replace"))
    shown = "\n".join(lines) if tail else report_line(lines)
    if shown:
        screen.notes().print(shown, style="dim", markup=False)
    if error:
        screen.notes().print(f"lambent: the function failed ({error})", style="red", markup=False)
        raise typer.Exit(1)
