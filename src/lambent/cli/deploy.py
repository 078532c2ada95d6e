"""`lambent deploy`: a folder becomes a function."""

import os
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from lambent.cli import buckets, dependencies, functions, package, queues, schedules, screen, tables, topics
from lambent.cli.access import Access, client, find_access
from lambent.cli.errors import CommandError
from lambent.cli.functions import Wish
from lambent.cli.options import Data
from lambent.cli.screen import Steps
from lambent.cli.service_roles import EXECUTION, role_arn
from lambent.clock import SystemClock

HELP = """Make a function of a folder, or bring it up to date.

A requirements.txt in the folder is installed into the package, for the Python that the function
runs on. The function gets the role `lambent-execution`, which is made at the first use. What is not
given keeps its value when the function exists already. With --schedule, EventBridge Scheduler runs it;
the schedule has the function's name, and the role `lambent-scheduler`. With --queue, messages of that SQS queue run it;
the queue is made if need be, with a dead-letter queue called NAME-dead for what fails five times. With --topic,
messages of that SNS topic run it; the topic is made if need be. With --table, what changes in that DynamoDB table runs
it; the table is made if need be, with the key `id`, and a queue called NAME-dead is told of what fails too often.
With --bucket, objects that are put into that S3 bucket, or under BUCKET/PREFIX, run it; the bucket is made if need be.

Examples:

  lambent deploy hello

  lambent deploy examples/thumbnail --memory 512 --timeout 30 --bucket pictures/in/

  lambent deploy examples/nightly_job --schedule "cron(0 3 * * ? *)" --timezone Europe/Berlin

  lambent deploy examples/order_queue --queue orders --reports-failures

  lambent deploy examples/large_orders --topic orders --env LIMIT=100

  lambent deploy examples/live_dashboard --name orders-totals --handler app.collect --table orders

  lambent deploy hello --name hello-staging --env TABLE=orders --env LEVEL=debug
"""


def variables(pairs: list[str]) -> dict[str, str]:
    """`KEY=VALUE` pairs as a mapping.

    Raises:
        CommandError: a pair has no `=`, or no key.
    """
    split = [pair.partition("=") for pair in pairs]
    for key, equals, _ in split:
        if not key or not equals:
            raise CommandError(f"--env takes KEY=VALUE, not {key!r}")
    return {key: value for key, _, value in split}


def new_function(folder: Path, wish: Wish) -> Wish:
    """`wish` with what a new function cannot do without.

    Raises:
        CommandError: the folder shows no handler.
    """
    sources = package.python_sources(folder)
    handler = wish.handler or package.handler_in(sources)
    if handler is None and (where := package.unreadable(sources)):
        raise CommandError(f"no handler found in {folder}: {where}")
    if handler is None:
        raise CommandError(
            f"no handler found in {folder}: write app.py with `def handler(event, context):`, "
            "or say where it is: --handler MODULE.FUNCTION"
        )
    runtime = wish.runtime or dependencies.own_runtime()
    return Wish(wish.name, runtime, handler, wish.memory_mb, wish.timeout_s, wish.variables)


def build(folder: Path, runtime: str, steps: Steps) -> bytes:
    """The package: what requirements.txt asks for, then the folder's own files over it."""
    requirements = folder / "requirements.txt"
    with tempfile.TemporaryDirectory(prefix="lambent-") as scratch:
        folders = [folder]
        if requirements.is_file():
            with steps.step(f"installing {requirements}"):
                dependencies.install(requirements, Path(scratch), runtime)
            folders = [Path(scratch), folder]
        with steps.step("zipping"):
            return package.zipped(folders)


def deploy_folder(access: Access, folder: Path, wish: Wish, steps: Steps) -> dict[str, Any]:
    """Create or update; the configuration that is in force now."""
    lambda_ = client(access, "lambda")
    present = functions.existing(lambda_, wish.name)
    if present is None:
        wish = new_function(folder, wish)
    runtime = wish.runtime or (present or {}).get("Runtime") or dependencies.own_runtime()
    zipped = build(folder, runtime, steps)
    if present is None:
        with steps.step(f"creating {wish.name} ({len(zipped) / 1e6:.1f} MB, {runtime})"):
            functions.create(lambda_, role_arn(access, EXECUTION), wish, zipped)
    else:
        with steps.step(f"updating {wish.name} ({len(zipped) / 1e6:.1f} MB, {runtime})"):
            functions.update(lambda_, wish, zipped)
    configuration: dict[str, Any] = lambda_.get_function_configuration(FunctionName=wish.name)
    return configuration


def deploy(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Where the function's code lies.")],
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of the function.", show_default="the folder's name")
    ] = None,
    runtime: Annotated[
        str | None, typer.Option(metavar="python3.X", help="What runs it.", show_default="this Python")
    ] = None,
    handler: Annotated[
        str | None, typer.Option(metavar="MODULE.FUNCTION", help="Where it begins.", show_default="found in the code")
    ] = None,
    memory: Annotated[int | None, typer.Option(metavar="MB", help="MemorySize.", show_default="128")] = None,
    timeout: Annotated[int | None, typer.Option(metavar="SECONDS", help="Timeout.", show_default="3")] = None,
    env: Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="A variable; may be repeated.")] = None,
    schedule: Annotated[
        str | None, typer.Option(metavar="EXPRESSION", help="When to run it: cron(...), rate(...) or at(...).")
    ] = None,
    timezone: Annotated[str | None, typer.Option(metavar="ZONE", help="Of the schedule.", show_default="UTC")] = None,
    queue: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of an SQS queue whose messages run it; NAME.fifo keeps order.")
    ] = None,
    topic: Annotated[str | None, typer.Option(metavar="NAME", help="Of an SNS topic whose messages run it.")] = None,
    table: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of a DynamoDB table; changes of its items run it.")
    ] = None,
    bucket: Annotated[
        str | None, typer.Option(metavar="NAME[/PREFIX]", help="Of an S3 bucket; objects that are put there run it.")
    ] = None,
    reports_failures: Annotated[
        bool, typer.Option("--reports-failures", help="The function answers which messages of a batch failed.")
    ] = False,
    data: Data = None,
) -> None:
    """Deploy, then say what to type next."""
    if timezone and schedule is None:
        raise CommandError("--timezone is that of a schedule: say when with --schedule")
    if reports_failures and queue is None and table is None:
        raise CommandError("--reports-failures is about the batches of --queue or --table: name one")
    access = find_access(data, os.environ)
    wish = Wish(
        name or package.function_name(folder), runtime, handler, memory, timeout, variables(env) if env else None
    )
    steps = Steps(screen.notes(), SystemClock())
    made = deploy_folder(access, folder, wish, steps)
    if schedule is not None:
        with steps.step(f"scheduling {wish.name}: {schedule}, {timezone or 'UTC'}"):
            schedules.schedule_function(access, wish.name, made["FunctionArn"], schedule, timezone or "UTC")
    if queue is not None:
        with steps.step(f"connecting the queue {queue}"):
            urls = queues.queue_function(access, queue, made, reports_failures)
        screen.notes().print(f"Queue: {urls[0]}\nDead letters: {urls[1]}", markup=False)
    if table is not None:
        with steps.step(f"following the table {table}"):
            stream, url = tables.table_function(access, table, made, reports_failures)
        screen.notes().print(f"Stream: {stream}\nGiven up: {url}", markup=False)
    if topic is not None:
        with steps.step(f"subscribing to the topic {topic}"):
            arn = topics.subscribe_function(access, topic, wish.name, made["FunctionArn"])
        screen.notes().print(f"Topic: {arn}", markup=False)
    if bucket is not None:
        with steps.step(f"watching the bucket {bucket}"):
            arn = buckets.watch_bucket(access, bucket, wish.name, made["FunctionArn"])
        screen.notes().print(f"Bucket: {arn}", markup=False)
    screen.results().print(made["FunctionArn"])
    place = f" --data {data}" if data else ""
    screen.notes().print(
        f"Next:  lambent invoke {wish.name}{place} --payload '{{}}'\n       lambent logs {wish.name}{place} --follow",
        markup=False,
    )
