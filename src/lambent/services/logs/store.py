"""The SQL of CloudWatch Logs, as functions over a transaction. Raises the service's own errors."""

from collections.abc import Iterable, Mapping
from typing import Any

from lambent.services.logs.chunks import LONGEST_SPAN_MS, Chunk
from lambent.services.logs.errors import no_group, no_stream
from lambent.services.logs.positions import time_of
from lambent.services.logs.search import Fetch, Range
from lambent.services.operation import RequestContext
from lambent.store.api import Row, Transaction
from lambent.store.sql import load_queries

SQL = load_queries("lambent.services.logs")
LAST_NAME = "\U0010ffff"  # sorts behind every name

Place = tuple[str, str]
"""Account and Region."""


def place_of(ctx: RequestContext) -> Place:
    return ctx.account, ctx.region


def group(tx: Transaction, place: Place, name: str) -> Row:
    """The log group. Raises NotFound."""
    row = tx.one(SQL.group_by_name, account=place[0], region=place[1], name=name)
    if row is None:
        raise no_group()
    return row


def stream(tx: Transaction, group_id: int, name: str) -> Row:
    """The log stream. Raises NotFound."""
    row = tx.one(SQL.stream_by_name, group_id=group_id, name=name)
    if row is None:
        raise no_stream()
    return row


def add_group(tx: Transaction, place: Place, name: str, now_ms: int) -> int:
    """Make a group; its id. Raises Conflict when it exists."""
    row = tx.one(SQL.add_group, account=place[0], region=place[1], name=name, created_ms=now_ms)
    assert row is not None
    return int(row["id"])


def group_id_for(tx: Transaction, place: Place, name: str, now_ms: int) -> int:
    """The id of the group, which is made if it is missing."""
    row = tx.one(SQL.group_by_name, account=place[0], region=place[1], name=name)
    return int(row["id"]) if row is not None else add_group(tx, place, name, now_ms)


def add_chunks(tx: Transaction, group_id: int, stream_name: str, chunks: Iterable[Chunk], now_ms: int) -> None:
    """Append `chunks` to a stream, which is made if it is missing."""
    for chunk in chunks:
        grown = tx.one(
            SQL.grow_stream,
            group_id=group_id,
            name=stream_name,
            now_ms=now_ms,
            first_ms=chunk.first_ms,
            last_ms=chunk.last_ms,
            stored_bytes=chunk.stored_bytes,
        )
        assert grown is not None
        tx.run(
            SQL.add_chunk,
            group_id=group_id,
            stream_id=grown["id"],
            first_ms=chunk.first_ms,
            last_ms=chunk.last_ms,
            ingested_ms=now_ms,
            event_count=chunk.event_count,
            stored_bytes=chunk.stored_bytes,
            body=chunk.body,
        )


def set_tags(tx: Transaction, group_id: int, tags: Mapping[str, str]) -> int:
    """Set `tags` beside those that are there; how many there are then."""
    tx.run_many(SQL.set_tag, [{"group_id": group_id, "tag_key": k, "tag_value": v} for k, v in tags.items()])
    return len(tx.all(SQL.tags, group_id=group_id))


def fetch_from(tx: Transaction, statement: str, wanted: Range, **where: Any) -> Fetch:
    """How to get the chunks of a walk, page by page: `statement` is one of the chunks_of_ ones."""
    from_ms = max(wanted.from_ms, time_of(wanted.from_position))
    until_ms = min(wanted.until_ms, time_of(wanted.before_position))
    bounds = {"from_ms": from_ms, "until_ms": until_ms}
    if ":lowest" in statement:
        bounds["lowest"] = from_ms - LONGEST_SPAN_MS
    else:
        bounds["highest"] = until_ms + LONGEST_SPAN_MS
    return lambda page: tx.all(statement, **bounds, **where, **page)
