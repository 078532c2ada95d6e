"""The contract of the store: databases that keep what they acknowledged, and blobs by content.

A unit of work is a plain function over a Transaction. `write` runs it inside one transaction on
the database's single writer and returns after the commit is on disk; works that arrive together
share one commit and one sync, each inside its own savepoint, so one that raises undoes only
itself. `read` runs it on a snapshot, and never waits for the writer. A work must be quick, must
touch nothing but its transaction, and may be run only once per call.

SQL is text in `.sql` files, each statement under a line `-- name: what_it_does`, with `:name`
parameters; `Transaction` takes the statement's text, which the service's store looks up
(`lambent.store.sql.load_queries`).
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from lambent.errors import LambentError

T = TypeVar("T")
Row = Mapping[str, Any]


class Conflict(LambentError):
    """A statement broke a constraint of the schema (unique, foreign key, check); its work may go on."""


class StoreFailed(LambentError):
    """The database could not do it: disk full, damaged, a wrong statement. Nothing of the work remains."""


class SchemaTooNew(LambentError):
    """A newer Lambent wrote this database; this one refuses to touch it."""


class Transaction(Protocol):
    """The inside of one unit of work."""

    def run(self, statement: str, **parameters: Any) -> int:
        """Execute; the number of rows it changed."""

    def run_many(self, statement: str, parameters: Sequence[Mapping[str, Any]]) -> None:
        """Execute once for each set of parameters."""

    def one(self, statement: str, **parameters: Any) -> Row | None:
        """The first row, by column name, or None."""

    def all(self, statement: str, **parameters: Any) -> list[Row]:
        """All rows, by column name."""


class Database(Protocol):
    """The tables of one service."""

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Run `work`; returns once its effect is durable. Whatever `work` raises comes out here."""

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` on a snapshot that includes every write that was acknowledged."""

    async def rewrite(self) -> None:
        """Write the files anew, so that nothing that was deleted or replaced can be read in them. Slow."""

    async def close(self) -> None:
        """Finish what was accepted, then let go of the files."""


class Blobs(Protocol):
    """Bytes addressed by their SHA-256, in lower-case hexadecimal. Writing is atomic and durable."""

    async def put(self, data: bytes) -> str:
        """Keep `data`; its address, once it is on disk."""

    async def get(self, digest: str) -> bytes:
        """The bytes at `digest`. Raises KeyError when there are none."""

    async def delete(self, digest: str) -> None:
        """Forget `digest`; nothing happens when it is not there."""

    def path(self, digest: str) -> Path:
        """Where the bytes lie, for readers on the same node."""
