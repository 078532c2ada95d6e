"""Connections with Lambent's pragmas, and the splitting of scripts.

Sources: sqlite.org, "Write-Ahead Logging" and "PRAGMA Statements". In WAL mode only
`synchronous=FULL` syncs the log before COMMIT returns; NORMAL may lose what was committed.
"""

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

MEMORY = ":memory:"
BUSY_TIMEOUT_MS = 30_000  # another process (a control that is going down) may hold the lock for a moment
CACHED_STATEMENTS = 512
PRAGMAS = (
    f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA temp_store = MEMORY",
)


def connect(path: Path | str, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection in autocommit mode, for the thread that calls; transactions are begun by hand."""
    connection = sqlite3.connect(
        path, isolation_level=None, cached_statements=CACHED_STATEMENTS, check_same_thread=False
    )
    for pragma in PRAGMAS:
        connection.execute(pragma)
    if read_only:
        connection.execute("PRAGMA query_only = ON")
    return connection


def make_private(path: Path) -> None:
    """Make the file at `path`, if it is new, and its folder readable by their owner only."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # To close a descriptor of a database that this process has open would drop its locks: only a new file is touched.
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))  # SQLite gives -wal and -shm the same mode


@contextlib.contextmanager
def opening(folder: Path) -> Iterator[None]:
    """Hold off other openers of databases in `folder`: two that turn WAL on at once get SQLITE_BUSY, and no wait."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def statements_of(script: str) -> Iterator[str]:
    """The statements of `script`, one by one; a semicolon inside a string, comment or trigger ends none."""
    *pieces, rest = script.split(";")
    statement = ""
    for piece in pieces:
        statement += piece + ";"
        if sqlite3.complete_statement(statement):
            yield statement.strip()
            statement = ""
    rest = statement + rest
    if any(line.strip() and not line.lstrip().startswith("--") for line in rest.splitlines()):
        raise ValueError(f"a statement has no end: {rest.strip()!r}")
