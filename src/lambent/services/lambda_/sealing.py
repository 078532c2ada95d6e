"""The database of this service with one column that only the holder of the master key can read.

A statement's parameter `secrets` is sealed on its way in, and a row's column `secrets` is opened on
its way out; all else passes as it is. So whoever has the files, or a copy of them, has no function's
environment variables, and whoever works with the tables has no key to think of.

Knows: the vault and that column. Does not know: what is in it, or whose it is.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from lambent.store.api import Database, Row, Transaction
from lambent.vault import Purpose, Vault

T = TypeVar("T")
COLUMN = "secrets"
OWNER = "versions"  # which version a row's secrets are of is inside them (store.py)


class SealedDatabase:
    """A `Database` over another one."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database, self._vault = database, vault

    async def write(self, work: Callable[[Transaction], T]) -> T:
        return await self._database.write(lambda tx: work(SealedTransaction(tx, self._vault)))

    async def read(self, work: Callable[[Transaction], T]) -> T:
        return await self._database.read(lambda tx: work(SealedTransaction(tx, self._vault)))

    async def rewrite(self) -> None:
        await self._database.rewrite()

    async def close(self) -> None:
        await self._database.close()


class SealedTransaction:
    """A `Transaction` over another one."""

    def __init__(self, tx: Transaction, vault: Vault) -> None:
        self._tx, self._vault = tx, vault

    def run(self, statement: str, **parameters: Any) -> int:
        return self._tx.run(statement, **self._sealed(parameters))

    def run_many(self, statement: str, parameters: Sequence[Mapping[str, Any]]) -> None:
        self._tx.run_many(statement, [self._sealed(each) for each in parameters])

    def one(self, statement: str, **parameters: Any) -> Row | None:
        row = self._tx.one(statement, **self._sealed(parameters))
        return None if row is None else self._opened(row)

    def all(self, statement: str, **parameters: Any) -> list[Row]:
        return [self._opened(row) for row in self._tx.all(statement, **self._sealed(parameters))]

    def _sealed(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        if COLUMN not in parameters:
            return parameters
        return {**parameters, COLUMN: self._vault.seal(Purpose.VARIABLES, OWNER, parameters[COLUMN])}

    def _opened(self, row: Row) -> Row:
        sealed = row.get(COLUMN)
        return {**row, COLUMN: self._vault.open(Purpose.VARIABLES, OWNER, sealed)} if sealed else row
