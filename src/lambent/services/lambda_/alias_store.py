"""The table of aliases as plain functions over a Transaction. Nothing here decides."""

import msgspec

from lambent.model.function import FunctionKey
from lambent.services.lambda_.model import Alias
from lambent.store.api import Transaction
from lambent.store.sql import load_queries

SQL = load_queries("lambent.services.lambda_")
ANY_VERSION = -1
ALL = 1_000_000_000  # as many as there are


def put(tx: Transaction, alias: Alias) -> None:
    """Add the alias, or write over what it was."""
    tx.run(
        SQL.put_alias,
        alias=alias.name,
        version=alias.version,
        other=alias.other,
        record=msgspec.json.encode(alias).decode(),
        **_key(alias.key),
    )


def find(tx: Transaction, key: FunctionKey, name: str) -> Alias | None:
    """The alias, if there is one."""
    row = tx.one(SQL.alias_by_name, alias=name, **_key(key))
    return None if row is None else msgspec.json.decode(row["record"], type=Alias)


def after(tx: Transaction, key: FunctionKey, name: str, count: int, version: int = ANY_VERSION) -> list[Alias]:
    """Up to `count` aliases by name, beginning above `name`; only those that lead to `version`, if given."""
    rows = tx.all(SQL.aliases_after, alias=name, number=version, count=count, **_key(key))
    return [msgspec.json.decode(row["record"], type=Alias) for row in rows]


def leading_to(tx: Transaction, key: FunctionKey, version: int) -> list[Alias]:
    """All aliases that lead to `version`, with all of their traffic or a part."""
    return after(tx, key, "", ALL, version)


def delete(tx: Transaction, key: FunctionKey, name: str) -> bool:
    """Forget the alias; whether it was there."""
    return tx.run(SQL.delete_alias, alias=name, **_key(key)) > 0


def _key(key: FunctionKey) -> dict[str, str]:
    return {"account": key.account, "region": key.region, "name": key.name}
