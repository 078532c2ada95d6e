"""A table's stream switched on and off, and the change of its shards.

A stream has one open shard, which takes all records; after four hours a child takes its place, as shards of DynamoDB
are closed after about that time. Order by key so holds over the whole stream.

Source: DynamoDB Developer Guide, "Change data capture for DynamoDB Streams" (shards, their lineage, 24 hours).
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from lambent.services.dynamodb.catalog import Catalog
from lambent.services.dynamodb.errors import invalid, wrong_parameters
from lambent.services.dynamodb.model import Stream, Table
from lambent.services.dynamodb.store import SQL
from lambent.store.api import Transaction

SHARD_LIFE_MS = 4 * 3_600_000
Work = Callable[[Transaction], Any]


def with_stream(catalog: Catalog, table: Table, given: Mapping[str, Any]) -> tuple[Table, Work]:
    """The table with its stream as a StreamSpecification wants it, and the work for it. Raises ValidationError."""
    view, present = given.get("StreamViewType"), table.stream
    if not given["StreamEnabled"]:
        if view is not None:
            raise wrong_parameters("Table is being created with StreamViewType while StreamEnabled is false")
        return _without(catalog, table, present)
    if view is None:
        raise wrong_parameters("StreamViewType is required when StreamEnabled is true")
    if present is not None and present.enabled:
        raise invalid("Table already has an enabled stream: " + table.stream_arn(present))
    now_ms = catalog.clock.now_ms()
    label = datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{now_ms % 1000:03d}"
    stream = Stream(next(catalog.streams), label, view, next(catalog.shards), now_ms)
    name = _shard_name(catalog, now_ms)
    return msgspec.structs.replace(table, stream=stream), lambda tx: _open(tx, table, stream, name)


def _without(catalog: Catalog, table: Table, present: Stream | None) -> tuple[Table, Work]:
    if present is None or not present.enabled:
        return table, lambda _: None
    now_ms = catalog.clock.now_ms()
    off = msgspec.structs.replace(present, enabled=False)
    return msgspec.structs.replace(table, stream=off), lambda tx: close_stream(tx, present, now_ms)


def with_next_shard(catalog: Catalog, table: Table) -> tuple[Table, Work]:
    """The table whose stream goes on in a child shard."""
    now_ms, old = catalog.clock.now_ms(), table.stream
    if old is None or not old.enabled or now_ms - old.shard_since_ms < SHARD_LIFE_MS:
        return table, lambda _: None
    new = msgspec.structs.replace(old, shard=next(catalog.shards), shard_since_ms=now_ms)
    name = _shard_name(catalog, now_ms)

    def work(tx: Transaction) -> None:
        tx.run(SQL.close_shard, id=old.shard, now_ms=now_ms)
        tx.run(SQL.add_shard, id=new.shard, stream=new.id, parent=old.shard, name=name)

    return msgspec.structs.replace(table, stream=new), work


def _shard_name(catalog: Catalog, now_ms: int) -> str:
    return f"shardId-{now_ms:020d}-{catalog.ids.hex(8)}"


def opened_ms(shard_name: str) -> int:
    """When a shard was opened, which is part of its name."""
    return int(shard_name.split("-")[1])


def _open(tx: Transaction, table: Table, stream: Stream, shard_name: str) -> None:
    tx.run(
        SQL.add_stream,
        id=stream.id,
        account=table.key.account,
        region=table.key.region,
        name=table.key.name,
        label=stream.label,
        view=stream.view,
        key_schema=msgspec.msgpack.encode(table.schema),
        created_ms=stream.shard_since_ms,
    )
    tx.run(SQL.add_shard, id=stream.shard, stream=stream.id, parent=None, name=shard_name)


def close_stream(tx: Transaction, stream: Stream, now_ms: int) -> None:
    """The stream takes no more records; what it has stays for its 24 hours."""
    tx.run(SQL.close_shard, id=stream.shard, now_ms=now_ms)
    tx.run(SQL.close_stream, id=stream.id, now_ms=now_ms)
