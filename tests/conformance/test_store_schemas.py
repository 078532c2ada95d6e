"""Every service's `schema.sql` and its migrations make the same tables."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import lambent
from lambent.store.sql import load_queries, load_schema
from lambent.store.sqlite.connection import MEMORY, connect
from lambent.store.sqlite.migrate import bring_up_to_date, run_script

HOUSE = Path(lambent.__file__).parent
PACKAGES = sorted(
    ".".join(("lambent", *file.parent.parent.relative_to(HOUSE).parts)) for file in HOUSE.rglob("sql/schema.sql")
)


@pytest.mark.parametrize("package", PACKAGES)
def test_the_migrations_of_a_service_make_what_its_schema_describes(package: str) -> None:
    schema = load_schema(package)
    with closing(connect(MEMORY)) as present, closing(connect(MEMORY)) as migrated:
        bring_up_to_date(present, schema)
        for script in schema.migrations or (schema.present,):
            run_script(migrated, script)
        assert objects_of(migrated) == objects_of(present)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_statement_of_a_service_fits_its_tables(package: str) -> None:
    with closing(connect(MEMORY)) as connection:
        bring_up_to_date(connection, load_schema(package))
        for name, statement in load_queries(package).items():
            try:
                connection.execute(f"EXPLAIN {statement}", AnyParameter())
            except sqlite3.Error as error:
                pytest.fail(f"{name}: {error}")


class AnyParameter(dict[str, None]):
    """Parameters for a statement that is explained, not run."""

    def __missing__(self, key: str) -> None:
        return None


def objects_of(connection: sqlite3.Connection) -> dict[tuple[str, str], str]:
    """Every table, index, view and trigger with its text, white space left out where SQL needs none."""
    rows = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    return {(kind, name): re.sub(r"\s*([(),])\s*", r"\1", " ".join(sql.split())) for kind, name, sql in rows}
