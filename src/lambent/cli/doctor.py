"""`lambent doctor`: what this host can and cannot do, and what to install."""

import json
from typing import Annotated, Literal

import typer
from msgspec import to_builtins

from lambent.cli import screen

HELP = """Look at this host: what the sandbox needs, and which languages are here.

The exit code is 1 when something that `lambent serve` needs is missing.

Examples:

  lambent doctor

  sudo .venv/bin/lambent doctor --format json
"""


def doctor(format: Annotated[Literal["text", "json"], typer.Option(help="How to write it.")] = "text") -> None:
    """Show each finding, and the remedy for those that are not well."""
    from lambent.sandbox.doctor import findings  # looks at the host; no other command pays for it

    found = findings()
    console = screen.results()
    if format == "json":
        console.print(json.dumps([to_builtins(finding) for finding in found], indent=2))
    else:
        for finding in found:
            verdict = "ok     " if finding.ok else "MISSING" if finding.weight == "necessary" else "better "
            console.print(f"{verdict}  {finding.name}: {finding.detail}")
            if finding.advice:
                console.print(f"         {finding.advice}")
    if not all(finding.ok for finding in found if finding.weight == "necessary"):
        raise typer.Exit(1)
