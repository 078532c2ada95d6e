"""`Transaction` over a SQLite connection: rows by column name, errors in the store's own words."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from lambent.store.api import Conflict, Row, StoreFailed, StoreFull

PRIMARY = 0xFF  # the bits of an extended result code that say what kind it is of


class SqliteTransaction:
    """Valid on the thread of its connection, while a work runs."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def run(self, statement: str, **parameters: Any) -> int:
        cursor = self._execute(statement, parameters)
        try:
            return max(0, cursor.rowcount)
        finally:
            cursor.close()

    def run_many(self, statement: str, parameters: Sequence[Mapping[str, Any]]) -> None:
        try:
            self._connection.executemany(statement, parameters).close()
        except sqlite3.Error as error:
            raise translated(error) from error

    def one(self, statement: str, **parameters: Any) -> Row | None:
        cursor = self._execute(statement, parameters)
        try:
            row = cursor.fetchone()
            return None if row is None else dict(zip(_names(cursor), row, strict=True))
        except sqlite3.Error as error:
            raise translated(error) from error
        finally:
            cursor.close()  # also resets a statement that has more rows, which would hold its snapshot

    def all(self, statement: str, **parameters: Any) -> list[Row]:
        cursor = self._execute(statement, parameters)
        try:
            names = _names(cursor)
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        except sqlite3.Error as error:
            raise translated(error) from error
        finally:
            cursor.close()

    def _execute(self, statement: str, parameters: Mapping[str, Any]) -> sqlite3.Cursor:
        try:
            return self._connection.execute(statement, parameters)
        except sqlite3.Error as error:
            raise translated(error) from error


def translated(error: sqlite3.Error) -> Conflict | StoreFailed:
    """The same, without SQLite in it."""
    if isinstance(error, sqlite3.IntegrityError):
        return Conflict(str(error))
    full = kind_of(error) == sqlite3.SQLITE_FULL
    return (StoreFull if full else StoreFailed)(f"the database refused: {error}")


def _names(cursor: sqlite3.Cursor) -> list[str]:
    return [column[0] for column in cursor.description or ()]


def kind_of(error: sqlite3.Error) -> int:
    """Which of SQLite's result codes it is."""
    return int(getattr(error, "sqlite_errorcode", 0)) & PRIMARY
