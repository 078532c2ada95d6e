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

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from lambent.errors import Hopeless, LambentError, NoRoom
from lambent.model.objects import Piece

T = TypeVar("T")
Row = Mapping[str, Any]


class Conflict(LambentError):
    """A statement broke a constraint of the schema (unique, foreign key, check); its work may go on."""


class StoreFailed(LambentError):
    """The database could not do it: disk full, damaged, a wrong statement. Nothing of the work remains."""


class StoreFull(StoreFailed, NoRoom):
    """It could not, because the disk is full."""


class StoreDamaged(StoreFailed, Hopeless):
    """What is in the file is no database any more."""


class SchemaTooNew(Hopeless):
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


class Writing(Protocol):
    """One blob of any length on its way in, encrypted with `key`. Its maker calls `release` in the end, always."""

    name: str
    key: bytes

    async def write(self, data: bytes) -> None:
        """Append."""

    async def finish(self) -> None:
        """All is written; it is on disk under `name` when this returns."""

    async def discard(self) -> None:
        """Nobody will ever ask for it."""

    def release(self) -> None:
        """Its fate is settled: it is known, or discarded, or may be swept."""


class Objects(Protocol):
    """Blobs of any length under random names, written and read in pieces, each encrypted with a key of its own that
    only who has it written knows. Edges and control each have one, and no caller may assume that it lies on the same
    machine."""

    async def begin(self) -> Writing:
        """A new blob."""

    def read(self, pieces: Sequence[Piece]) -> AsyncIterator[bytes]:
        """The bytes of these pieces, one after the other. Raises OSError where one is missing, too short, or not what
        was written."""

    async def delete(self, names: Iterable[str]) -> None:
        """Forget them; nothing happens for those that are not there."""

    async def sweep(self, known: Callable[[list[str]], Awaitable[set[str]]], before_s: float) -> int:
        """Delete what dead processes left: blobs that `known` does not know, no living writer holds and that were
        last written to before that time (their maker's last words may still be on their way); how many."""
