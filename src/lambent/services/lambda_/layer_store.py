"""The tables of layers as plain functions over a Transaction. Nothing here decides."""

import msgspec

from lambent.services.lambda_.layer_model import LayerKey, LayerVersion
from lambent.services.lambda_.store import SQL
from lambent.store.api import Row, Transaction

NEWEST = 2**62


def take_number(tx: Transaction, key: LayerKey) -> int:
    """The number of the layer's next version, which nobody is given again; makes the layer if need be."""
    tx.run(SQL.add_layer, **_key(key))
    row = tx.one(SQL.next_layer_number, **_key(key))
    assert row is not None
    tx.run(SQL.take_layer_number, **_key(key))
    return int(row["next_number"])


def put(tx: Transaction, version: LayerVersion) -> None:
    """Add the version, or write over what it was."""
    tx.run(
        SQL.put_layer_version,
        number=version.number,
        code=version.code,
        code_bytes=version.code_bytes,
        runtimes=_spaced(version.runtimes),
        architectures=_spaced(version.architectures),
        record=msgspec.json.encode(version).decode(),
        **_key(version.key),
    )


def find(tx: Transaction, key: LayerKey, number: int) -> LayerVersion | None:
    """The version, if there is one."""
    row = tx.one(SQL.layer_version, number=number, **_key(key))
    return None if row is None else _version(row)


def delete(tx: Transaction, key: LayerKey, number: int) -> None:
    """Forget the version; those that use it keep its package."""
    tx.run(SQL.delete_layer_version, number=number, **_key(key))


def before(tx: Transaction, key: LayerKey, number: int, count: int, suited: dict[str, str]) -> list[LayerVersion]:
    """Up to `count` versions of one layer, the newest first, beginning below `number`."""
    rows = tx.all(SQL.layer_versions_before, number=number, count=count, **suited, **_key(key))
    return [_version(row) for row in rows]


def newest_after(tx: Transaction, after: LayerKey, count: int, suited: dict[str, str]) -> list[LayerVersion]:
    """The newest version of up to `count` layers, by name, beginning above that of `after`."""
    return [_version(row) for row in tx.all(SQL.layers_after, count=count, **suited, **_key(after))]


def suited_for(runtime: str | None, architecture: str | None) -> dict[str, str]:
    """Which versions the lists show: those that name this runtime and this architecture."""
    return {"runtime": _anywhere(runtime), "architecture": _anywhere(architecture)}


def _anywhere(word: str | None) -> str:
    return f"% {word} %" if word else "%"


def _spaced(words: tuple[str, ...]) -> str:
    return f" {' '.join(words)} "


def _version(row: Row) -> LayerVersion:
    return msgspec.json.decode(row["record"], type=LayerVersion)


def _key(key: LayerKey) -> dict[str, str]:
    return {"account": key.account, "region": key.region, "name": key.name}
