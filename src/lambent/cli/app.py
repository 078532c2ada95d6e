"""The way in: every command by name, and errors as one line that says what to do."""

from collections.abc import Iterable
from importlib import import_module
from typing import Annotated

import typer

HELP = """AWS Lambda on your own machines, reached with the AWS tools that you already use.

First time here? Type:  lambent quickstart

Then:  lambent serve, and in another terminal:  eval "$(lambent env)"  and  lambent deploy my-folder
"""
COMMANDS = (
    "quickstart",
    "serve",
    "env",
    "deploy",
    "invoke",
    "logs",
    "image",
    "status",
    "runtimes",
    "clock",
    "doctor",
)
EPILOG = "Each command explains itself with examples: lambent COMMAND --help"


def build(names: Iterable[str] = COMMANDS) -> typer.Typer:
    """The command line with these commands; what another needs is not loaded."""
    app = typer.Typer(
        help=HELP,
        epilog=EPILOG,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.callback()
    def options(
        debug: Annotated[bool, typer.Option("--debug", help="Show where an error came from.")] = False,
        version: Annotated[
            bool, typer.Option("--version", help="Show the version.", is_eager=True, callback=_show_version)
        ] = False,
    ) -> None:
        """What stands before a command; `run` has looked at it already."""

    for name in names:
        module = import_module(f"lambent.cli.{name}")
        app.command(name, help=flowing(module.HELP))(getattr(module, name))
    return app


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # nothing else needs it

        typer.echo(f"lambent {version('lambent')}")
        raise typer.Exit


def flowing(text: str) -> str:
    """Paragraphs as one line each, for a screen of any width."""
    return "\n\n".join(paragraph.replace("\n", " ") for paragraph in text.strip().split("\n\n"))


def wanted(arguments: list[str]) -> Iterable[str]:
    """The command that stands in the arguments; all of them, for help, where none does."""
    first = next((each for each in arguments if each != "--debug"), "")
    return [first] if first in COMMANDS else COMMANDS


def run(arguments: list[str]) -> int:
    """Run one command; its exit code."""
    debug = arguments[:1] == ["--debug"]
    try:
        build(wanted(arguments))(arguments, prog_name="lambent")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except Exception as error:
        if debug:
            raise
        from lambent.cli import screen  # a command that ends well has shown all with what it loaded itself
        from lambent.cli.errors import explain

        line = explain(error) or f"a bug: {type(error).__name__}: {error}; lambent --debug ... shows where"
        screen.notes().print(f"lambent: {line}", style="red", markup=False)
        return 1
    return 0
