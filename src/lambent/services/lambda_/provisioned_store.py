"""The table of provisioned concurrency as plain functions over a Transaction. Nothing here decides."""

from msgspec import Struct

from lambent.model.function import FunctionKey
from lambent.store.api import Transaction
from lambent.store.sql import load_queries

SQL = load_queries("lambent.services.lambda_")


class Provisioned(Struct, frozen=True):
    """What was asked for on one version or alias."""

    qualifier: str
    requested: int
    modified_ms: int


def put(tx: Transaction, key: FunctionKey, wanted: Provisioned) -> None:
    """Set, or write over what it was."""
    tx.run(
        SQL.put_provisioned,
        qualifier=wanted.qualifier,
        requested=wanted.requested,
        modified_ms=wanted.modified_ms,
        **_key(key),
    )


def every(tx: Transaction, key: FunctionKey) -> list[Provisioned]:
    """All that a function has, by qualifier."""
    rows = tx.all(SQL.provisioned_of, **_key(key))
    return [Provisioned(row["qualifier"], row["requested"], row["modified_ms"]) for row in rows]


def find(tx: Transaction, key: FunctionKey, qualifier: str) -> Provisioned | None:
    """What a version or alias has."""
    return next((each for each in every(tx, key) if each.qualifier == qualifier), None)


def delete(tx: Transaction, key: FunctionKey, qualifier: str) -> None:
    """Forget it; it may be absent."""
    tx.run(SQL.delete_provisioned, qualifier=qualifier, **_key(key))


def functions(tx: Transaction) -> list[FunctionKey]:
    """The functions that have any."""
    rows = tx.all(SQL.provisioned_functions)
    return [FunctionKey(row["account"], row["region"], row["name"]) for row in rows]


def unreserved_in_all(tx: Transaction, account: str, region: str) -> int:
    """The sum over the functions without a reservation; those with one have it inside that."""
    row = tx.one(SQL.provisioned_unreserved, account=account, region=region)
    return 0 if row is None else int(row["requested"])


def _key(key: FunctionKey) -> dict[str, str]:
    return {"account": key.account, "region": key.region, "name": key.name}
