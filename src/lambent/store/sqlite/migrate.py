"""Bringing a file's tables to the version that this Lambent knows. The version is `user_version`."""

import sqlite3

from lambent.store.api import SchemaTooNew
from lambent.store.sql import Schema
from lambent.store.sqlite.connection import statements_of


def bring_up_to_date(connection: sqlite3.Connection, schema: Schema) -> None:
    """Make or migrate the tables, in one transaction; nothing happens when they are up to date.

    Raises:
        SchemaTooNew: a newer Lambent wrote this database.
    """
    connection.execute("BEGIN IMMEDIATE")  # whoever else opens the same file waits here
    try:
        version = version_of(connection)
        if version > schema.version:
            raise SchemaTooNew(
                f"the database of {schema.package} has version {version}, and this Lambent knows versions up to "
                f"{schema.version}: a newer Lambent has used it. Start that version, or another data directory"
            )
        if version < schema.version:
            for script in schema.steps_from(version):
                run_script(connection, script)
            connection.execute(f"PRAGMA user_version = {schema.version}")
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def version_of(connection: sqlite3.Connection) -> int:
    """The version of the tables; 0 for a database that was just made."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def run_script(connection: sqlite3.Connection, script: str) -> None:
    """Run each statement inside the transaction that is open (`executescript` would commit it)."""
    for statement in statements_of(script):
        connection.execute(statement)
