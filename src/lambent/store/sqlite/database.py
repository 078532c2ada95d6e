"""`Database` on SQLite: one writer thread with group commit, a few reader threads.

Readers never wait for the writer, nor it for them (WAL). A read begins its snapshot after it was
asked for, so it sees every write that was acknowledged before. The in-memory database has one
connection, and so its reads take their turn on the writer's thread.
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from lambent.store.api import StoreDamaged, StoreFailed, StoreFull, Transaction
from lambent.store.sql import Schema
from lambent.store.sqlite.connection import MEMORY, connect, make_private, opening
from lambent.store.sqlite.migrate import bring_up_to_date
from lambent.store.sqlite.serve import commit_together, read_each
from lambent.store.sqlite.transaction import kind_of, translated
from lambent.store.sqlite.workers import Workers

T = TypeVar("T")
READERS = 3
DAMAGED = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
COMMIT_BATCH = 512  # bounds how long the first of a batch waits for the last


class SqliteDatabase:
    """Made by `open_sqlite` and `open_memory` on the event loop that uses it."""

    def __init__(self, path: Path | None, writer: sqlite3.Connection, readers: list[sqlite3.Connection]) -> None:
        self._path = path
        self._writer = Workers("sqlite-writer", [writer], commit_together, batch=COMMIT_BATCH)
        self._readers = Workers("sqlite-reader", readers, read_each, batch=1) if readers else None

    async def write(self, work: Callable[[Transaction], T]) -> T:
        return await self._writer.submit(work)

    async def read(self, work: Callable[[Transaction], T]) -> T:
        if self._readers is None:
            return await self._writer.submit(_read_only(work))
        return await self._readers.submit(work)

    async def rewrite(self) -> None:
        if self._path is not None:
            await asyncio.to_thread(_rewrite, self._path)

    async def close(self) -> None:
        if self._readers is not None:
            await self._readers.close()
        await self._writer.close()  # the last connection to close folds the log into the database


async def open_sqlite(path: Path, schema: Schema) -> SqliteDatabase:
    """The database in the file at `path`, made or migrated to `schema` as needed.

    Raises:
        SchemaTooNew: a newer Lambent wrote it.
    """
    return SqliteDatabase(path, *await asyncio.to_thread(_open_file, path, schema))


async def open_memory(schema: Schema) -> SqliteDatabase:
    """An empty database that lives in memory until it is closed."""
    connection = connect(MEMORY)
    bring_up_to_date(connection, schema)
    return SqliteDatabase(None, connection, [])


def _open_file(path: Path, schema: Schema) -> tuple[sqlite3.Connection, list[sqlite3.Connection]]:
    make_private(path)
    try:
        return _opened(path, schema)
    except sqlite3.Error as error:
        told = translated(error)
        if isinstance(told, StoreFull):
            raise told from error
        if kind_of(error) in DAMAGED:
            raise StoreDamaged(
                f"{path} is damaged ({error}): put a copy of it back, or the whole data folder as it was"
            ) from error
        raise


def _opened(path: Path, schema: Schema) -> tuple[sqlite3.Connection, list[sqlite3.Connection]]:
    with opening(path.parent):
        writer = connect(path)
        try:
            bring_up_to_date(writer, schema)
        except BaseException:
            writer.close()
            raise
        return writer, [connect(path, read_only=True) for _ in range(READERS)]


def _rewrite(path: Path) -> None:
    """VACUUM writes every page that is in use into the log, and the checkpoint from there over the old ones."""
    with contextlib.closing(connect(path)) as connection:
        connection.execute("VACUUM")
        busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise StoreFailed(f"{path} is in use elsewhere: what was deleted can still be read in its log")


def _read_only(work: Callable[[Transaction], T]) -> Callable[[Transaction], T]:
    def guarded(tx: Transaction) -> T:
        tx.run("PRAGMA query_only = ON")
        try:
            return work(tx)
        finally:
            tx.run("PRAGMA query_only = OFF")

    return guarded
