"""`lambent env`: what the AWS tools need to find a server and sign for it."""

import json
import os
import shlex
from typing import Annotated, Literal

import typer

from lambent.cli import screen
from lambent.cli.access import find_access
from lambent.cli.options import Data

HELP = """Print the endpoint and the root access key as environment variables.

Examples:

  eval "$(lambent env)"               then: aws lambda list-functions

  lambent env --data /var/lib/lambent --format json
"""


def env(
    data: Data = None, format: Annotated[Literal["shell", "json"], typer.Option(help="How to write it.")] = "shell"
) -> None:
    """Print the variables. The files are asked first: this command is how the variables get there."""
    environ = {name: value for name, value in os.environ.items() if name == "LAMBENT_DATA"}
    variables = find_access(data, environ).variables()
    if format == "json":
        screen.results().print(json.dumps(variables, indent=2))
        return
    for name, value in variables.items():
        screen.results().print(f"export {name}={shlex.quote(value)}")
