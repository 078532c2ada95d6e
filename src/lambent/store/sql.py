"""SQL kept as text beside the service that owns it, and read as package data.

A service called `pkg` has `pkg/sql/schema.sql` (the tables as they are now), queries in any
other `pkg/sql/*.sql`, and `pkg/sql/migrations/NNNN_what.sql`. Migrations are numbered from
0001, which makes the first tables, without gaps; a service that has never changed its tables
needs none, and its `schema.sql` counts as version 1. On the first change the old `schema.sql`
becomes `0001_first.sql`, and the change `0002_...sql`; a conformance test checks that all of
them, run in order, make what `schema.sql` makes.

Knows: files and names. Does not know: any database, or what the statements mean.
"""

import re
from collections.abc import Iterator, Mapping
from importlib import resources

from msgspec import Struct

NAME = re.compile(r"^--\s*name:\s*([a-z_][a-z0-9_]*)\s*$", re.MULTILINE)
MIGRATION = re.compile(r"^(\d{4})_[a-z0-9_]+\.sql$")


class Schema(Struct, frozen=True):
    """The tables of one service: as they are now, and the steps that led there.

    `migrations[i]` makes version i + 1 out of version i, which for i = 0 is an empty database.
    """

    package: str
    present: str
    migrations: tuple[str, ...] = ()

    @property
    def version(self) -> int:
        """The version that `present` describes."""
        return max(1, len(self.migrations))

    def steps_from(self, version: int) -> tuple[str, ...]:
        """What to run, in order, on a database of that version; 0 is an empty one."""
        return self.migrations[version:] if version else (self.present,)


class Queries(Mapping[str, str]):
    """Statements by name, as items and as attributes: `queries["add"]` and `queries.add`."""

    def __init__(self, statements: Mapping[str, str]) -> None:
        self._statements = dict(statements)

    def __getitem__(self, name: str) -> str:
        return self._statements[name]

    def __getattr__(self, name: str) -> str:
        try:
            return self.__dict__["_statements"][name]  # type: ignore[no-any-return]
        except KeyError:
            raise AttributeError(f"no statement is called {name}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._statements)

    def __len__(self) -> int:
        return len(self._statements)


def load_schema(package: str) -> Schema:
    """The schema in `package`'s `sql` folder.

    Raises:
        ValueError: a migration is misnamed, or a number is missing.
    """
    folder = resources.files(package) / "sql"
    return Schema(package, (folder / "schema.sql").read_text("utf-8"), _migrations(package))


def load_queries(package: str) -> Queries:
    """The named statements of every file in `package`'s `sql` folder but `schema.sql`.

    Raises:
        ValueError: a name is used twice.
    """
    found: dict[str, str] = {}
    for name, text in _sql_files(package, "sql"):
        if name == "schema.sql":
            continue
        for statement, body in parse_queries(text).items():
            if statement in found:
                raise ValueError(f"{package}: two statements are called {statement}")
            found[statement] = body
    return Queries(found)


def parse_queries(text: str) -> dict[str, str]:
    """The blocks under `-- name: what_it_does` lines, by name, without trailing semicolons."""
    found: dict[str, str] = {}
    pieces = NAME.split(text)
    for name, body in zip(pieces[1::2], pieces[2::2], strict=True):
        if name in found:
            raise ValueError(f"two statements are called {name}")
        found[name] = body.strip().removesuffix(";")
    return found


def _migrations(package: str) -> tuple[str, ...]:
    texts = []
    for number, (name, text) in enumerate(_sql_files(package, "sql/migrations"), start=1):
        match = MIGRATION.match(name)
        if match is None or int(match[1]) != number:
            raise ValueError(f"{package}: expected migration {number:04d}_*.sql, found {name}")
        texts.append(text)
    return tuple(texts)


def _sql_files(package: str, folder: str) -> list[tuple[str, str]]:
    place = resources.files(package).joinpath(*folder.split("/"))
    if not place.is_dir():
        return []
    return sorted((file.name, file.read_text("utf-8")) for file in place.iterdir() if file.name.endswith(".sql"))
