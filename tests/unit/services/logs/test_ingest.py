"""From the journal into log streams: everything once, whatever happens in between."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from lambent.clock import FakeClock
from lambent.journal.follower import JournalFollower
from lambent.journal.reader import JournalReader
from lambent.journal.writer import JournalWriter
from lambent.model.function import FunctionKey
from lambent.model.invocation import InvocationRecord, LogLine
from lambent.model.principal import Principal
from lambent.services.logs.api import PACKAGE, LogsService
from lambent.services.logs.ingest import LogIngester
from lambent.services.operation import RequestContext
from lambent.store.api import Database, StoreFailed, Transaction
from lambent.store.sql import load_schema
from lambent.store.sqlite import open_sqlite

NOW_MS = 1_700_000_000_000
CONTEXT = RequestContext(Principal("000000000000", "", ""), "000000000000", "us-east-1", "r")
T = TypeVar("T")


def record(number: int, stream: str = "s", account: str = "000000000000") -> InvocationRecord:
    return InvocationRecord(
        start_ms=NOW_MS + number,
        key=FunctionKey(account, "us-east-1", "f"),
        version="$LATEST",
        runtime="python3.12",
        log_group="/aws/lambda/f",
        log_stream=stream,
        request_id=f"id-{number}",
        environment_id="e",
        duration_us=0,
        init_us=0,
        billed_ms=1,
        memory_mb=128,
        max_memory_mb=30,
        status="success",
        lines=[LogLine(NOW_MS + number, f"line {number}")],
    )


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await open_sqlite(tmp_path / "logs.db", load_schema(PACKAGE))
    yield opened
    await opened.close()


@pytest.fixture
def writer(tmp_path: Path) -> JournalWriter:
    return JournalWriter(tmp_path / "journal", "edge-1-a", segment_bytes=1000)


def ingester(database: Database, tmp_path: Path) -> JournalFollower:
    reader = JournalReader(tmp_path / "journal", read_bytes=1500)
    return JournalFollower(reader, FakeClock(), [LogIngester(database, FakeClock())])


async def lines(database: Database, moving: JournalFollower, account: str = "000000000000") -> list[str]:
    """What the function printed, as FilterLogEvents shows it."""
    service = LogsService(database, FakeClock(), moving.catch_up)
    ctx = RequestContext(Principal(account, "", ""), account, "us-east-1", "r")
    answer: Any = await service.operations["FilterLogEvents"](
        ctx, {"logGroupName": "/aws/lambda/f", "filterPattern": "line"}
    )
    return [event["message"] for event in answer["events"]]


async def test_a_query_finds_what_was_logged_before_it(
    database: Database, writer: JournalWriter, tmp_path: Path
) -> None:
    moving = ingester(database, tmp_path)
    writer.append(record(1))
    writer.append(record(2, stream="t"))
    await asyncio.sleep(0)
    assert await lines(database, moving) == ["line 1\n", "line 2\n"]
    writer.append(record(3))
    writer.close()
    assert await lines(database, moving) == ["line 1\n", "line 2\n", "line 3\n"]


async def test_the_whole_log_of_an_invocation_is_in_its_stream(
    database: Database, writer: JournalWriter, tmp_path: Path
) -> None:
    moving = ingester(database, tmp_path)
    writer.append(record(1))
    writer.close()
    service = LogsService(database, FakeClock(), moving.catch_up)
    answer: Any = await service.operations["GetLogEvents"](
        CONTEXT, {"logGroupName": "/aws/lambda/f", "logStreamName": "s"}
    )
    kinds = [event["message"].split()[0] for event in answer["events"]]
    assert kinds == ["START", "line", "END", "REPORT"]


async def test_functions_of_two_accounts_log_into_groups_of_their_own(
    database: Database, writer: JournalWriter, tmp_path: Path
) -> None:
    moving = ingester(database, tmp_path)
    writer.append(record(1))
    writer.append(record(2, account="111111111111"))
    writer.close()
    assert await lines(database, moving) == ["line 1\n"]
    assert await lines(database, moving, "111111111111") == ["line 2\n"]


async def test_consumed_segments_and_their_positions_are_deleted(
    database: Database, writer: JournalWriter, tmp_path: Path
) -> None:
    moving = ingester(database, tmp_path)
    for number in range(20):
        writer.append(record(number))
        writer.flush()
    await moving.catch_up()
    assert len(JournalReader(tmp_path / "journal").ends()) == 1
    writer.close()
    writer.append(record(20))
    writer.close()
    await moving.catch_up()
    await moving.catch_up()
    assert JournalReader(tmp_path / "journal").ends() == {}
    assert await database.read(lambda tx: tx.all("SELECT * FROM journal_position")) == []
    assert len(await lines(database, moving)) == 21


async def test_a_new_ingester_goes_on_where_the_old_one_was(
    database: Database, writer: JournalWriter, tmp_path: Path
) -> None:
    for number in range(5):
        writer.append(record(number))
        writer.flush()
        assert await lines(database, ingester(database, tmp_path)) == [f"line {n}\n" for n in range(number + 1)]
    writer.close()


class Faulty:
    """A database whose writes are kept, yet fail at the caller, as often as `failures` says."""

    def __init__(self, database: Database, failures: int, *, kept: bool) -> None:
        self._database, self._failures, self._kept = database, failures, kept

    async def write(self, work: Callable[[Transaction], T]) -> T:
        if not self._failures:
            return await self._database.write(work)
        self._failures -= 1
        if self._kept:
            await self._database.write(work)
        raise StoreFailed("disk full")

    async def read(self, work: Callable[[Transaction], T]) -> T:
        return await self._database.read(work)

    async def rewrite(self) -> None:
        await self._database.rewrite()

    async def close(self) -> None:
        await self._database.close()


@pytest.mark.parametrize("kept", [False, True], ids=["lost", "kept"])
async def test_a_write_that_failed_or_seemed_to_is_neither_lost_nor_repeated(
    database: Database, writer: JournalWriter, tmp_path: Path, kept: bool
) -> None:
    moving = ingester(Faulty(database, 2, kept=kept), tmp_path)
    for number in range(10):
        writer.append(record(number))
    writer.close()
    for _ in range(2):
        with contextlib.suppress(StoreFailed):
            await moving.catch_up()
    assert await lines(database, moving) == [f"line {n}\n" for n in range(10)]


async def test_a_caller_that_goes_away_in_the_middle_repeats_nothing(
    database: Database, writer: JournalWriter, tmp_path: Path
) -> None:
    moving = ingester(database, tmp_path)
    for number in range(200):
        writer.append(record(number))
        writer.flush()
        leaving = asyncio.ensure_future(moving.catch_up())
        for _ in range(number % 12):
            await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.wait([leaving])
    writer.close()
    assert await lines(database, moving) == [f"line {n}\n" for n in range(200)]


async def test_a_pass_that_was_committed_behind_our_back_is_not_repeated(
    database: Database, writer: JournalWriter, tmp_path: Path
) -> None:
    ours, other = ingester(database, tmp_path), ingester(database, tmp_path)
    writer.append(record(1))
    writer.flush()
    await ours.catch_up()
    writer.append(record(2))
    writer.flush()
    await other.catch_up()
    assert await lines(database, ours) == ["line 1\n", "line 2\n"]
    writer.close()


async def test_the_task_goes_on_after_a_failure(database: Database, writer: JournalWriter, tmp_path: Path) -> None:
    clock = FakeClock()
    consumer = LogIngester(Faulty(database, 1, kept=False), clock)
    moving = JournalFollower(JournalReader(tmp_path / "journal"), clock, [consumer])
    writer.append(record(1))
    writer.close()
    task = asyncio.ensure_future(moving.run())

    async def count() -> int:
        row = await database.read(lambda tx: tx.one("SELECT count(*) AS n FROM log_chunk"))
        assert row is not None
        return int(row["n"])

    while await count() == 0:
        await clock.advance(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await count() == 1
