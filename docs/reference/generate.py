"""Writes settings.md and cli.md beside this file from the code itself; a test holds them to it.

Usage: make reference
"""

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from typer.main import get_command

from lambent.cli.app import COMMANDS, build
from lambent.cli.flags import Flag, flags
from lambent.protocol.wires import wire_for

HERE = Path(__file__).parent
SERVED = {
    "lambda": "lambent.services.lambda_",
    "apigateway": "lambent.services.apigateway",
    "apigatewayv2": "lambent.services.apigatewayv2",
    "logs": "lambent.services.logs",
    "cloudwatch": "lambent.services.cloudwatch",
    "dynamodb": "lambent.services.dynamodb",
    "dynamodbstreams": "lambent.services.dynamodb",
    "events": "lambent.services.events",
    "s3": "lambent.services.s3",
    "scheduler": "lambent.services.scheduler",
    "iam": "lambent.services.iam",
    "sns": "lambent.services.sns",
    "sqs": "lambent.services.sqs",
    "sts": "lambent.services.sts",
}
OPERATIONS_HEAD = """# Operations

What each service carries out, by the operations of its botocore model. All others answer `NotImplemented` by name."""
NOTE = "<!-- Written by generate.py from the code. Change it there, then: make reference -->"
SETTINGS_HEAD = """# Settings

Each setting has one name, written four ways: the flag of `lambent serve`, the environment variable, the key of
`lambent.toml` in the working directory, and the attribute in `lambent.config.Settings`. A flag wins over a variable, a
variable over the file, the file over the default. A list is written with commas as a flag, and as JSON (`[60, 120]`) in
a variable."""
QUOTAS_HEAD = """## Quotas

AWS's limits are the defaults; an operator may choose others, and `none` where that is named: no wall at all (but for
511 MB of a whole request, which is held in memory). In `lambent.toml` they stand in the table `[quotas]`."""

STAGES = ("Invoke", "InvokeAsync", "InvokeWithResponseStream")  # Lambda operations that are stages of the edge


def settings_page() -> str:
    """Every setting."""
    every = list(flags())
    plain = [flag for flag in every if len(flag.path) == 1]
    quotas = [flag for flag in every if len(flag.path) > 1]
    parts = [NOTE, SETTINGS_HEAD, settings_table(plain), QUOTAS_HEAD, settings_table(quotas)]
    return "\n\n".join(parts) + "\n"


def settings_table(rows: list[Flag]) -> str:
    """One line for each setting."""
    lines = ["| flag | variable | key | default | what it is |", "| --- | --- | --- | --- | --- |"]
    for flag in rows:
        value = flag.metavar.replace("|", "\\|")
        written = f"`{flag.option}`" if flag.switch else f"`{flag.option}` {value}"
        default = f"`{flag.default}`"
        lines.append(f"| {written} | `{flag.variable}` | `{flag.key}` | {default} | {flag.description} |")
    return "\n".join(lines)


def cli_page() -> str:
    """Every command with its help and its parameters."""
    command: Any = get_command(build())
    parts = [NOTE, "# The command line", "\n".join(paragraphs(command.help))]
    with typer.Context(command, info_name="lambent") as context:
        for name in COMMANDS:
            parts += [f"## lambent {name}", *command_parts(command.get_command(context, name), name)]
    return "\n\n".join(parts) + "\n"


def command_parts(command: Any, name: str) -> Iterator[str]:
    """The help text, then a table of the parameters."""
    yield "\n".join(paragraphs(command.help))
    if name == "serve":
        yield "Its flags are the settings: see [settings.md](settings.md)."
        return
    rows = [row for row in map(parameter_row, command.params) if row]
    if rows:
        yield "\n".join(["| parameter | default | what it is |", "| --- | --- | --- |", *rows])


def parameter_row(parameter: Any) -> str:
    """One line of the table; "" for what is not shown."""
    if getattr(parameter, "hidden", False) or parameter.name == "help":
        return ""
    names = (
        ", ".join(f"`{name}`" for name in parameter.opts)
        if parameter.opts[0].startswith("-")
        else parameter.name.upper()
    )
    metavar = (parameter.metavar or "").replace("|", "\\|")
    shown = parameter.show_default if isinstance(parameter.show_default, str) else parameter.default
    default = "" if shown in (None, False, True) or callable(shown) else f"`{shown}`"
    return f"| {names} {metavar} | {default} | {parameter.help or ''} |".replace("  |", " |")


def paragraphs(text: str) -> Iterator[str]:
    """Help as Markdown: examples become code."""
    inside = False
    for paragraph in text.strip().split("\n\n"):
        example = paragraph.startswith("  ")
        if example and not inside:
            yield "```console"
        if inside and not example:
            yield "```\n"
        inside = example
        yield f"$ {paragraph.strip()}" if example else f"{paragraph}\n"
    if inside:
        yield "```"


def operations_page() -> str:
    """Every operation of the services that are served, and which of them are."""
    parts = [NOTE, OPERATIONS_HEAD]
    for service, package in SERVED.items():
        known, done = sorted(wire_for(service).operations), operations_in(package)
        missing = [name for name in known if name not in done]
        parts.append(f"## {service}\n\n{len(known) - len(missing)} of {len(known)} operations.")
        parts.append("Served: " + ", ".join(name for name in known if name in done) + ".")
        parts.append("`NotImplemented`: " + (", ".join(missing) or "none") + ".")
    return "\n\n".join(parts) + "\n"


def operations_in(package: str) -> set[str]:
    """The operations that the classes of a service's package declare."""
    root = importlib.import_module(package)
    found = set(STAGES) if package.endswith("lambda_") else set()
    for module_info in pkgutil.iter_modules(root.__path__):
        module = importlib.import_module(f"{package}.{module_info.name}")
        for owner in vars(module).values():
            if isinstance(owner, type):
                found |= {each.operation for each in vars(owner).values() if hasattr(each, "operation")}
    return found


PAGES = {"settings.md": settings_page, "cli.md": cli_page, "operations.md": operations_page}


def main() -> None:
    """Write them all."""
    for name, page in PAGES.items():
        (HERE / name).write_text(page())


if __name__ == "__main__":
    main()
