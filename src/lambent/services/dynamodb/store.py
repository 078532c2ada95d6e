"""The SQL of DynamoDB's tables, as functions over a transaction."""

from typing import Any

import msgspec

from lambent.services.dynamodb.keys import Place
from lambent.services.dynamodb.model import Table, decode_table, encode_table
from lambent.services.dynamodb.values import Item
from lambent.store.api import Transaction
from lambent.store.sql import load_queries

SQL = load_queries("lambent.services.dynamodb")
encode_item = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode


def decode_item(raw: bytes) -> Item:
    """An item as it was kept."""
    item: Item = _decode(raw)
    return item


def all_tables(tx: Transaction) -> list[Table]:
    return [decode_table(row["definition"]) for row in tx.all(SQL.definitions)]


def put_table(tx: Transaction, table: Table) -> None:
    tx.run(SQL.put_definition, **_key(table), definition=encode_table(table))


def delete_table(tx: Transaction, table: Table) -> None:
    tx.run(SQL.delete_definition, **_key(table))


def _key(table: Table) -> dict[str, str]:
    return {"account": table.key.account, "region": table.key.region, "name": table.key.name}


def last_number(tx: Transaction, statement: str) -> int:
    """The highest number that was ever given."""
    row = tx.one(statement)
    return int(row["id"]) if row is not None else 0


def item_at(tx: Transaction, space: int, place: Place) -> Item | None:
    row = tx.one(SQL.item, space=space, partition=place.partition, sort=place.sort)
    return decode_item(row["item"]) if row is not None else None


def put_item(tx: Transaction, space: int, place: Place, item: Item) -> None:
    tx.run(SQL.put_item, space=space, partition=place.partition, sort=place.sort, item=encode_item(item))


def delete_item(tx: Transaction, space: int, place: Place) -> None:
    tx.run(SQL.delete_item, space=space, partition=place.partition, sort=place.sort)


def count(tx: Transaction, space: int, items: int, size: int) -> None:
    """Add to what a space holds."""
    if items or size:
        tx.run(SQL.count_in_space, space=space, items=items, bytes=size)


def usage_of(tx: Transaction, space: int) -> tuple[int, int]:
    """Items and bytes of a space."""
    row: Any = tx.one(SQL.usage_of_space, space=space)
    return (row["items"], row["bytes"]) if row is not None else (0, 0)
