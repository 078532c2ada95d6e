"""`lambent invoke`: run a function and show its answer."""

import base64
import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from msgspec import Struct

from lambent.cli import screen, timing
from lambent.cli.access import Access, client, find_access
from lambent.cli.errors import CommandError
from lambent.cli.options import Data

HELP = """Run a function and print what it answers.

The answer goes to standard output, the REPORT line to standard error. The exit code is 1 when the
function failed.

Examples:

  lambent invoke hello --payload '{"name": "Ada"}'

  lambent invoke hello --payload @event.json --tail

  lambent invoke hello --explain

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
        data = os.fsencode(text)  # as it was typed, whatever the locale is
    try:
        json.loads(data)
    except ValueError as error:
        raise CommandError(f"the payload is not JSON: {error}") from None
    return data


class Answered(Struct, frozen=True):
    """What came back: `lines` are 4 KiB of the log at most, `error` is "" for none."""

    payload: bytes
    lines: list[str]
    error: str
    spans: list[timing.Span]


def call(access: Access, name: str, payload: bytes) -> Answered:
    """Invoke."""
    functions = client(access, "lambda")
    timing.ask(functions)
    answer: dict[str, Any] = functions.invoke(FunctionName=name, Payload=payload, LogType="Tail")
    log = base64.b64decode(answer.get("LogResult", "")).decode("utf-8", "replace")
    spans = timing.spans(answer["ResponseMetadata"]["HTTPHeaders"].get(timing.ANSWER, ""))
    return Answered(answer["Payload"].read(), log.splitlines(), answer.get("FunctionError", ""), spans)


def report_line(lines: list[str]) -> str:
    """The REPORT line, its tabs made into spaces; "" when there is none."""
    reports = [line for line in lines if line.startswith("REPORT ")]
    return "  ".join(reports[-1].split("\t")).strip() if reports else ""


def invoke(
    name: Annotated[str, typer.Argument(help="Name or ARN of the function.")],
    payload: Annotated[str, typer.Option(metavar="JSON|@FILE|-", help="The event.")] = "{}",
    tail: Annotated[bool, typer.Option("--tail", help="Show the invocation's log lines, up to 4 KiB.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Show where the time of a cold start went.")] = False,
    data: Data = None,
) -> None:
    """Invoke once."""
    answered = call(find_access(data, os.environ), name, payload_bytes(payload))
    screen.results().print(answered.payload.decode("utf-8", "replace"))
    shown = "\n".join(answered.lines) if tail else report_line(answered.lines)
    if shown:
        screen.notes().print(shown, style="dim", markup=False)
    if explain:
        screen.notes().print(timing.table(answered.spans))
    if answered.error:
        screen.notes().print(f"lambent: the function failed ({answered.error})", style="red", markup=False)
        raise typer.Exit(1)
