"""What is SQLite's own: files, pragmas, versions, group commit and its failures."""

import asyncio
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from lambent.store.api import SchemaTooNew, StoreDamaged, StoreFailed, Transaction
from lambent.store.sql import Schema
from lambent.store.sqlite import open_sqlite
from lambent.store.sqlite.connection import MEMORY, connect, statements_of
from lambent.store.sqlite.serve import commit_together
from lambent.store.sqlite.workers import Job

FIRST = Schema("tests", "CREATE TABLE a (x INTEGER PRIMARY KEY);")
SECOND = Schema(
    "tests",
    "CREATE TABLE a (x INTEGER PRIMARY KEY, y TEXT);",
    (FIRST.present, "ALTER TABLE a ADD COLUMN y TEXT; UPDATE a SET y = 'old';"),
)


async def test_an_older_database_is_migrated_and_keeps_its_rows(tmp_path: Path) -> None:
    old = await open_sqlite(tmp_path / "a.db", FIRST)
    await old.write(lambda tx: tx.run("INSERT INTO a VALUES (1)"))
    await old.close()
    new = await open_sqlite(tmp_path / "a.db", SECOND)
    assert await new.read(lambda tx: tx.all("SELECT * FROM a")) == [{"x": 1, "y": "old"}]
    await new.close()


async def test_a_migration_that_fails_leaves_the_database_as_it_was(tmp_path: Path) -> None:
    await (await open_sqlite(tmp_path / "a.db", FIRST)).close()
    broken = Schema("tests", "", (FIRST.present, "CREATE TABLE b (x); INSERT INTO nowhere VALUES (1);"))
    with pytest.raises(sqlite3.OperationalError):
        await open_sqlite(tmp_path / "a.db", broken)
    with closing(connect(tmp_path / "a.db")) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("a",)]


async def test_a_database_of_a_newer_lambent_is_refused_with_words(tmp_path: Path) -> None:
    await (await open_sqlite(tmp_path / "a.db", SECOND)).close()
    with pytest.raises(SchemaTooNew, match="has version 2, and this Lambent knows versions up to 1"):
        await open_sqlite(tmp_path / "a.db", FIRST)


async def test_two_that_open_a_new_database_at_once_make_it_once(tmp_path: Path) -> None:
    databases = await asyncio.gather(*(open_sqlite(tmp_path / "a.db", SECOND) for _ in range(4)))
    for number, database in enumerate(databases):
        await database.write(lambda tx, n=number: tx.run("INSERT INTO a VALUES (:n, '')", n=n))  # type: ignore[misc]
    assert len(await databases[0].read(lambda tx: tx.all("SELECT * FROM a"))) == 4
    for database in databases:
        await database.close()


async def test_only_the_owner_can_read_the_files(tmp_path: Path) -> None:
    database = await open_sqlite(tmp_path / "private" / "a.db", FIRST)
    await database.write(lambda tx: tx.run("INSERT INTO a VALUES (1)"))
    modes = {stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "private").iterdir()}
    assert modes == {0o600}
    assert stat.S_IMODE((tmp_path / "private").stat().st_mode) == 0o700
    await database.close()


async def test_every_commit_is_synced_to_the_log(tmp_path: Path) -> None:
    """Source: sqlite.org, PRAGMA synchronous: 2 is FULL, the least that keeps commits in WAL mode."""
    database = await open_sqlite(tmp_path / "a.db", FIRST)
    assert await database.write(lambda tx: tx.one("PRAGMA synchronous")) == {"synchronous": 2}
    assert await database.read(lambda tx: tx.one("PRAGMA journal_mode")) == {"journal_mode": "wal"}
    assert await database.write(lambda tx: tx.one("PRAGMA foreign_keys")) == {"foreign_keys": 1}
    await database.close()


async def test_a_read_does_not_wait_for_the_writer(tmp_path: Path) -> None:
    database = await open_sqlite(tmp_path / "a.db", FIRST)
    loop = asyncio.get_running_loop()
    inside = asyncio.Event()
    answered: asyncio.Future[int] = loop.create_future()

    def holds_the_lock(tx: Transaction) -> int:
        tx.run("INSERT INTO a VALUES (1)")
        loop.call_soon_threadsafe(inside.set)
        return asyncio.run_coroutine_threadsafe(wait_answered(), loop).result(timeout=60)

    async def wait_answered() -> int:
        return await answered

    writing = asyncio.ensure_future(database.write(holds_the_lock))
    await inside.wait()
    assert await database.read(lambda tx: tx.all("SELECT * FROM a")) == []
    answered.set_result(7)
    assert await writing == 7
    await database.close()


class Stubborn(sqlite3.Connection):
    """A connection whose COMMIT fails, as on a full disk."""

    def execute(self, sql: str, parameters: object = ()) -> sqlite3.Cursor:
        if sql == "COMMIT":
            raise sqlite3.OperationalError("database or disk is full")
        return super().execute(sql, parameters)  # type: ignore[arg-type]


async def test_a_commit_that_fails_fails_every_work_of_its_batch() -> None:
    loop = asyncio.get_running_loop()
    with closing(sqlite3.connect(MEMORY, isolation_level=None, factory=Stubborn)) as connection:
        connection.execute("CREATE TABLE a (x)")
        jobs = [Job(lambda tx: tx.run("INSERT INTO a VALUES (1)"), loop.create_future()) for _ in range(3)]
        commit_together(connection, jobs)
        for job in jobs:
            job.settle()
            with pytest.raises(StoreFailed, match="disk is full"):
                await job.future
        assert connection.execute("SELECT count(*) FROM a").fetchone() == (0,)


async def test_a_work_that_loses_the_whole_transaction_fails_its_batch() -> None:
    """Source: sqlite.org, "Transactions", "Response To Errors Within A Transaction"."""
    loop = asyncio.get_running_loop()
    with closing(connect(MEMORY)) as connection:
        connection.execute("CREATE TABLE a (x)")
        jobs = [
            Job(lambda tx: tx.run("INSERT INTO a VALUES (1)"), loop.create_future()),
            Job(lambda tx: tx.run("ROLLBACK"), loop.create_future()),
            Job(lambda tx: tx.run("INSERT INTO a VALUES (2)"), loop.create_future()),
        ]
        commit_together(connection, jobs)
        assert all(isinstance(job.error, StoreFailed) for job in jobs)
        assert connection.execute("SELECT count(*) FROM a").fetchone() == (0,)


def test_a_script_is_split_into_statements_with_triggers_and_strings_whole() -> None:
    script = """-- the first; of three
    CREATE TABLE a (x); CREATE TABLE c (x DEFAULT 'a;b');
    CREATE TRIGGER t AFTER INSERT ON a BEGIN
        UPDATE a SET x = 1;
        DELETE FROM a;
    END;
    -- the end
    """
    with closing(connect(MEMORY)) as connection:
        for statement in statements_of(script):
            connection.execute(statement)
        assert len(connection.execute("SELECT * FROM sqlite_master").fetchall()) == 3


def test_a_script_whose_last_statement_has_no_end_is_refused() -> None:
    with pytest.raises(ValueError, match="a statement has no end"):
        list(statements_of("CREATE TABLE a (x);\nCREATE TABLE b (x)"))


async def test_a_damaged_file_is_named_and_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "damaged.sqlite"
    path.write_bytes(b"no database at all" * 500)
    with pytest.raises(StoreDamaged, match=r"damaged.sqlite is damaged .* put a copy of it back"):
        await open_sqlite(path, FIRST)
    assert path.read_bytes() == b"no database at all" * 500
