"""What a thread does with a batch of jobs: commit them together, or read for each.

Group commit: the works of a batch run inside one BEGIN IMMEDIATE .. COMMIT, so they share one
sync of the log; each has its own savepoint, so that one that raises undoes only itself. No
result leaves before COMMIT has returned; if it fails, so does every work of the batch, even
one that had already raised, for what it read may never have been.
"""

import sqlite3
from collections.abc import Sequence

from lambent.store.api import StoreFailed
from lambent.store.sqlite.transaction import SqliteTransaction, translated
from lambent.store.sqlite.workers import Job


def commit_together(connection: sqlite3.Connection, jobs: Sequence[Job]) -> None:
    """Run every job's work in one transaction, and fill in the results."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        for job in jobs:
            _run_in_savepoint(connection, job)
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        _fail_all(jobs, translated(error))
    except StoreFailed as error:
        _fail_all(jobs, error)
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def read_each(connection: sqlite3.Connection, jobs: Sequence[Job]) -> None:
    """Run every job's work on a snapshot of its own, taken now, and fill in the results."""
    for job in jobs:
        connection.execute("BEGIN")
        _run(connection, job)
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _run(connection: sqlite3.Connection, job: Job) -> None:
    try:
        job.result = job.work(SqliteTransaction(connection))
    except Exception as error:  # whatever it is, it belongs to the caller, who gets it
        job.error = error


def _run_in_savepoint(connection: sqlite3.Connection, job: Job) -> None:
    connection.execute("SAVEPOINT work")
    _run(connection, job)
    if not connection.in_transaction:  # a full disk or a failed read makes SQLite roll everything back
        raise StoreFailed(f"the transaction was lost: {job.error}")
    if job.error is not None:
        connection.execute("ROLLBACK TO work")
    connection.execute("RELEASE work")


def _fail_all(jobs: Sequence[Job], error: Exception) -> None:
    for job in jobs:
        job.result, job.error = None, error
