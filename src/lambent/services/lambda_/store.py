"""The tables of this service as plain functions over a Transaction.

The only module that knows the SQL. Nothing here decides; units of work elsewhere put these together.
"""

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from lambent.model.function import FunctionKey
from lambent.services.lambda_.errors import Failed, function_not_found
from lambent.services.lambda_.model import CodeSize, Function, Version
from lambent.services.lambda_.runtimes import brings_program
from lambent.store.api import Row, Transaction
from lambent.store.sql import load_queries
from lambent.vault import SealBroken

PACKAGE = "lambent.services.lambda_"
SQL = load_queries(PACKAGE)


class Secrets(Struct, frozen=True, omit_defaults=True):
    """The sealed part of a version; `of` is its function's id and its number. `content` is a hash from
    which a short secret could be guessed."""

    of: tuple[str, int]
    variables: dict[str, str] | None = None
    content: str = ""


def find_function(tx: Transaction, key: FunctionKey) -> Function | None:
    """The function, if there is one."""
    row = tx.one(SQL.function_by_key, **_key(key))
    return None if row is None else Function(key, row["next_number"], row["reserved_concurrency"])


def function(tx: Transaction, key: FunctionKey) -> Function:
    """The function. Raises NotFound."""
    found = find_function(tx, key)
    if found is None:
        raise function_not_found(key)
    return found


def add_function(tx: Transaction, key: FunctionKey) -> None:
    """A function without versions, which the same unit of work has to add."""
    tx.run(SQL.add_function, **_key(key))


def delete_function(tx: Transaction, key: FunctionKey) -> bool:
    """Forget the function with all that hangs on it; whether there was one."""
    return tx.run(SQL.delete_function, **_key(key)) > 0


def take_number(tx: Transaction, key: FunctionKey) -> int:
    """The number of the next version, which nobody is given again."""
    number = function(tx, key).next_number
    tx.run(SQL.take_number, **_key(key))
    return number


def reserve(tx: Transaction, key: FunctionKey, reserved: int | None) -> None:
    """Set or, with None, remove the reserved concurrency."""
    tx.run(SQL.reserve_concurrency, reserved=reserved, **_key(key))


def reserved_in_all(tx: Transaction, account: str, region: str) -> int:
    """The sum of all reservations."""
    row = tx.one(SQL.reserved_in_all, account=account, region=region)
    return 0 if row is None else int(row["reserved"])


def usage(tx: Transaction, account: str, region: str) -> tuple[int, int]:
    """How many functions there are, and the zipped bytes of all versions together."""
    row = tx.one(SQL.usage, account=account, region=region)
    return (0, 0) if row is None else (int(row["functions"]), int(row["code_bytes"]))


def put_version(tx: Transaction, version: Version) -> None:
    """Add the version, or write over what it was."""
    told, kept = _parted(version)
    tx.run(
        SQL.put_version,
        number=version.number,
        code=version.code,
        code_bytes=version.code_bytes,
        unsettled=int(version.unsettled),
        record=msgspec.json.encode(told).decode(),
        secrets=msgspec.json.encode(kept),
        **_key(version.key),
    )
    place = {"number": version.number, **_key(version.key)}
    tx.run(SQL.forget_version_layers, **place)
    tx.run_many(SQL.add_version_layer, [{"code": code, **place} for code in version.layers])


def find_version(tx: Transaction, key: FunctionKey, number: int) -> Version | None:
    """The version, if there is one."""
    return _maybe(tx.one(SQL.version_by_number, number=number, **_key(key)))


def latest(tx: Transaction, key: FunctionKey) -> Version:
    """`$LATEST`. Raises NotFound."""
    found = find_version(tx, key, 0)
    if found is None:
        raise function_not_found(key)
    return found


def newest_published(tx: Transaction, key: FunctionKey) -> Version | None:
    """The published version with the highest number."""
    return _maybe(tx.one(SQL.newest_published, **_key(key)))


def delete_version(tx: Transaction, key: FunctionKey, number: int) -> bool:
    """Forget one version; whether it was there."""
    return tx.run(SQL.delete_version, number=number, **_key(key)) > 0


def versions_after(tx: Transaction, key: FunctionKey, number: int, count: int) -> list[Version]:
    """Up to `count` versions of one function, by number, beginning above `number`."""
    return _versions(tx.all(SQL.versions_after, number=number, count=count, **_key(key)))


def latest_after(tx: Transaction, after: FunctionKey, count: int) -> list[Version]:
    """Up to `count` functions' `$LATEST`, by name, beginning above that of `after`."""
    return _versions(tx.all(SQL.latest_after, count=count, **_key(after)))


def all_after(tx: Transaction, after: FunctionKey, number: int, count: int) -> list[Version]:
    """Up to `count` versions of all functions, by name and number, beginning above those given."""
    return _versions(tx.all(SQL.all_after, number=number, count=count, **_key(after)))


def unsettled(tx: Transaction, key: FunctionKey | None = None) -> list[Version]:
    """The versions that wait for background work, of one function or of all."""
    if key is None:
        return _versions(tx.all(SQL.unsettled_versions))
    return _versions(tx.all(SQL.unsettled_of_function, **_key(key)))


def kinds(tx: Transaction, most: int) -> set[tuple[str, int]]:
    """Runtime and MemorySize of some functions that a ready-made process serves, each pair once."""
    found = (version.configuration for version in _versions(tx.all(SQL.some_functions, most=most)))
    return {(each.runtime, each.memory_mb) for each in found if not brings_program(each.runtime, each.handler)}


def seal_all(tx: Transaction) -> None:
    """Seal what was kept in clear text by a Lambent that had no secrets."""
    for version in _versions(tx.all(SQL.unsealed_versions)):
        put_version(tx, version)


def chores(tx: Transaction) -> set[str]:
    """What a migration left to the start that follows it."""
    return {row["chore"] for row in tx.all(SQL.chores)}


def forget_chore(tx: Transaction, chore: str) -> None:
    """Note that a chore is done."""
    tx.run(SQL.forget_chore, chore=chore)


def remember_code(tx: Transaction, size: CodeSize) -> None:
    """Note that a package's bytes are about to be kept."""
    tx.run(
        SQL.remember_code,
        digest=size.digest,
        zipped_bytes=size.zipped_bytes,
        unzipped_bytes=size.unzipped_bytes,
    )


def unzipped_bytes(tx: Transaction, digest: str) -> int:
    """How large a package is that was checked and kept. Raises Failed when it was collected meanwhile."""
    row = tx.one(SQL.unzipped_bytes, digest=digest)
    if row is None:
        raise Failed("A layer was deleted meanwhile; try again.")
    return int(row["unzipped_bytes"])


def unused_code(tx: Transaction) -> set[str]:
    """The packages that no version refers to, of a function or of a layer."""
    return {row["digest"] for row in tx.all(SQL.unused_code)}


def known_code(tx: Transaction) -> set[str]:
    """All packages and images."""
    return {row["digest"] for row in tx.all(SQL.known_code)}


def forget_code(tx: Transaction, digest: str) -> None:
    """Note that a package's bytes are about to go."""
    tx.run(SQL.forget_code, digest=digest)


def tags_of(tx: Transaction, key: FunctionKey) -> dict[str, str]:
    """The function's tags."""
    return {row["tag"]: row["value"] for row in tx.all(SQL.tags_of, **_key(key))}


def put_tags(tx: Transaction, key: FunctionKey, tags: Mapping[str, str]) -> None:
    """Add or overwrite tags."""
    tx.run_many(SQL.put_tag, [{"tag": tag, "value": value, **_key(key)} for tag, value in tags.items()])


def delete_tags(tx: Transaction, key: FunctionKey, tags: list[str]) -> None:
    """Remove tags; those that are not there do not matter."""
    tx.run_many(SQL.delete_tag, [{"tag": tag, **_key(key)} for tag in tags])


def _key(key: FunctionKey) -> dict[str, str]:
    return {"account": key.account, "region": key.region, "name": key.name}


def _parted(version: Version) -> tuple[Version, Secrets]:
    """What anyone may see who sees the tables, and what nobody may."""
    told = msgspec.structs.replace(
        version,
        configuration=msgspec.structs.replace(version.configuration, variables=None),
        content_when_published="",
    )
    of = (version.function_id, version.number)
    return told, Secrets(of, version.configuration.variables, version.content_when_published)


def _version(row: Row) -> Version:
    told = msgspec.json.decode(row["record"], type=Version)
    if not row["secrets"]:
        return told  # of before there were secrets; `seal_all` has not come to it yet
    kept = msgspec.json.decode(row["secrets"], type=Secrets)
    if kept.of != (told.function_id, told.number):
        raise SealBroken(f"the environment variables of {told.key.name} are those of another version")
    return msgspec.structs.replace(
        told,
        configuration=msgspec.structs.replace(told.configuration, variables=kept.variables),
        content_when_published=kept.content,
    )


def _maybe(row: Row | None) -> Version | None:
    return None if row is None else _version(row)


def _versions(rows: list[Row]) -> list[Version]:
    return [_version(row) for row in rows]
