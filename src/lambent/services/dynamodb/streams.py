"""DynamoDB Streams: ListStreams, DescribeStream, GetShardIterator, GetRecords.

An iterator is a place in a shard, written so that callers cannot read it; it is good for 15 minutes. A shard that was
closed and read to its end has no next iterator.

Source: DynamoDB Streams API reference, each operation; Developer Guide, "Reading and processing a stream".
"""

import base64
import binascii
from typing import Annotated, Any

import msgspec
from msgspec import Struct

from lambent.arn import parse_arn
from lambent.services.dynamodb.catalog import Catalog
from lambent.services.dynamodb.describing import key_schema, moment
from lambent.services.dynamodb.errors import (
    ExpiredIterator,
    TableNotFound,
    TrimmedDataAccess,
    invalid,
    wrong_parameters,
)
from lambent.services.dynamodb.model import KeySchema
from lambent.services.dynamodb.names import TableKey
from lambent.services.dynamodb.records import Sequenced, decode_record, sequence_of, sequence_text, shown
from lambent.services.dynamodb.store import SQL
from lambent.services.dynamodb.switching import opened_ms
from lambent.services.dynamodb.upkeep import STREAM_LIFE_MS
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.store.api import Row, Transaction

ITERATOR_LIFE_MS = 15 * 60_000
MOST_RECORDS, PAGE_BYTES = 1000, 1024 * 1024
AT_ONCE = 50  # records of one read of the database; each may be of a megabyte
LARGEST_PAGE = 100


Sequence = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class _Iterator(Struct, frozen=True, array_like=True):
    """The records of `shard` whose sequence is above `after`."""

    arn: str
    shard: int
    after: Sequence
    made_ms: int


class Batch(Struct, frozen=True):
    """Records read from a shard. `after`: where to go on; `ended`: there will be no more; `more`: there are more."""

    records: list[Sequenced]
    after: int
    ended: bool
    more: bool = False


def stream_at(tx: Transaction, arn: str, now_ms: int) -> Row:
    """The stream of an ARN. Raises TableNotFound."""
    key, label = key_of_stream(arn)
    row = tx.one(SQL.stream, account=key.account, region=key.region, name=key.name, label=label)
    if row is None or (row["closed_ms"] is not None and row["closed_ms"] <= now_ms - STREAM_LIFE_MS):
        raise TableNotFound(f"Requested resource not found: Stream: {arn} not found")
    return row


def key_of_stream(arn: str) -> tuple[TableKey, str]:
    """The table and the label in a stream's ARN. Raises ValidationError."""
    try:
        parsed = parse_arn(arn)
    except ValueError:
        raise invalid(f"Invalid StreamArn: {arn}") from None
    parts = parsed.resource.split("/")
    if parsed.service != "dynamodb" or len(parts) != 4 or parts[0] != "table" or parts[2] != "stream":
        raise invalid(f"Invalid StreamArn: {arn}")
    return TableKey(parsed.account, parsed.region, parts[1]), parts[3]


def shards_of(tx: Transaction, stream: Row, now_ms: int) -> list[Row]:
    """The shards of a stream that may have records."""
    rows = tx.all(SQL.shards, stream=stream["id"])
    return [row for row in rows if row["closed_ms"] is None or row["closed_ms"] > now_ms - STREAM_LIFE_MS]


def batch_of(tx: Transaction, shard: Row, after: int, limit: int, now_ms: int) -> Batch:
    """Up to `limit` records of a shard after a sequence number, and up to about a megabyte of them."""
    since_ms = now_ms - STREAM_LIFE_MS
    records: list[Sequenced] = []
    size, more = 0, True
    while more and len(records) < limit:
        count = min(limit - len(records), AT_ONCE)
        rows = tx.all(SQL.records, shard=shard["id"], after=after, since_ms=since_ms, limit=count)
        for row in rows:
            size += len(row["record"])
            if records and size > PAGE_BYTES:
                return Batch(records, after, ended=False, more=True)
            records.append(Sequenced(row["sequence"], row["created_ms"], decode_record(row["record"])))
            after = row["sequence"]
        more = len(rows) == count
    return Batch(records, after, not more and shard["closed_ms"] is not None, more)


class Streams:
    """What changed, as callers read it."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    @operation("ListStreams")
    async def list_streams(self, ctx: RequestContext, request: Request) -> Answer:
        """The streams of the account, or of one table."""
        now_ms = self._catalog.clock.now_ms()
        rows = await self._catalog.database.read(lambda tx: tx.all(SQL.streams, account=ctx.account, region=ctx.region))
        wanted, after = request.get("TableName"), request.get("ExclusiveStartStreamArn") or ""
        found = []
        for row in rows:
            arn = _arn(row)
            alive = row["closed_ms"] is None or row["closed_ms"] > now_ms - STREAM_LIFE_MS
            if alive and wanted in (None, row["name"]) and arn > after:
                found.append({"StreamArn": arn, "TableName": row["name"], "StreamLabel": row["label"]})
        found.sort(key=lambda each: str(each["StreamArn"]))
        limit = _limit(request, LARGEST_PAGE)
        answer: Answer = {"Streams": found[:limit]}
        if len(found) > limit:
            answer["LastEvaluatedStreamArn"] = found[limit - 1]["StreamArn"]
        return answer

    @operation("DescribeStream")
    async def describe_stream(self, ctx: RequestContext, request: Request) -> Answer:
        """A stream and its shards, oldest first."""
        arn, now_ms = _own(ctx, request["StreamArn"]), self._catalog.clock.now_ms()

        def read(tx: Transaction) -> tuple[Row, list[Row]]:
            stream = stream_at(tx, arn, now_ms)
            return stream, shards_of(tx, stream, now_ms)

        stream, rows = await self._catalog.database.read(read)
        names = {row["id"]: row["name"] for row in rows}
        rows = _filtered(rows, names, request)
        limit = _limit(request, LARGEST_PAGE)
        schema = msgspec.msgpack.decode(stream["key_schema"], type=KeySchema)
        shown: dict[str, Any] = {
            "StreamArn": arn,
            "StreamLabel": stream["label"],
            "StreamStatus": "ENABLED" if stream["closed_ms"] is None else "DISABLED",
            "StreamViewType": stream["view"],
            "CreationRequestDateTime": moment(stream["created_ms"]),
            "TableName": stream["name"],
            "KeySchema": key_schema(schema),
            "Shards": [_shard(row, names) for row in rows[:limit]],
        }
        if len(rows) > limit:
            shown["LastEvaluatedShardId"] = rows[limit - 1]["name"]
        return {"StreamDescription": shown}

    @operation("GetShardIterator")
    async def get_shard_iterator(self, ctx: RequestContext, request: Request) -> Answer:
        """A place in a shard."""
        arn, now_ms = _own(ctx, request["StreamArn"]), self._catalog.clock.now_ms()

        def read(tx: Transaction) -> tuple[int, int]:
            shards = shards_of(tx, stream_at(tx, arn, now_ms), now_ms)
            shard = next((row for row in shards if row["name"] == request["ShardId"]), None)
            if shard is None:
                raise TableNotFound(
                    f"Requested resource not found: Shard: {request['ShardId']} in Stream: {arn} not found"
                )
            return shard["id"], _start(tx, shard, request, now_ms)

        shard, after = await self._catalog.database.read(read)
        return {"ShardIterator": _written(_Iterator(arn, shard, after, now_ms))}

    @operation("GetRecords")
    async def get_records(self, ctx: RequestContext, request: Request) -> Answer:
        """The records from a place on, and the place after them."""
        now_ms, at = self._catalog.clock.now_ms(), _read(request["ShardIterator"])
        if now_ms - at.made_ms > ITERATOR_LIFE_MS:
            raise ExpiredIterator("Iterator expired")
        arn, limit = _own(ctx, at.arn), _limit(request, MOST_RECORDS)

        def read(tx: Transaction) -> tuple[Row, Batch]:
            stream = stream_at(tx, arn, now_ms)
            shard = next((row for row in shards_of(tx, stream, now_ms) if row["id"] == at.shard), None)
            if shard is None:
                raise TrimmedDataAccess("The shard of this iterator is older than 24 hours and was removed")
            return stream, batch_of(tx, shard, at.after, limit, now_ms)

        stream, batch = await self._catalog.database.read(read)
        answer: Answer = {"Records": [shown(record, ctx.region, stream["view"]) for record in batch.records]}
        if not batch.ended:
            answer["NextShardIterator"] = _written(_Iterator(arn, at.shard, batch.after, now_ms))
        return answer


def _own(ctx: RequestContext, arn: str) -> str:
    key, _ = key_of_stream(arn)
    if (key.account, key.region) != (ctx.account, ctx.region):
        raise TableNotFound(f"Requested resource not found: Stream: {arn} not found")
    return arn


def _arn(row: Row) -> str:
    return f"{TableKey(row['account'], row['region'], row['name']).arn}/stream/{row['label']}"


def _filtered(rows: list[Row], names: dict[int, str], request: Request) -> list[Row]:
    """What follows ExclusiveStartShardId; with a ShardFilter the children of a shard."""
    wanted = request.get("ShardFilter")
    if wanted is not None:
        if wanted.get("Type") != "CHILD_SHARDS" or not wanted.get("ShardId"):
            raise wrong_parameters("ShardFilter needs the Type CHILD_SHARDS and a ShardId")
        rows = [row for row in rows if names.get(row["parent"]) == wanted["ShardId"]]
    after = request.get("ExclusiveStartShardId")
    known = [number for number, name in names.items() if name == after]
    return [row for row in rows if not known or row["id"] > known[0]]


def _shard(row: Row, names: dict[int, str]) -> dict[str, Any]:
    span = {"StartingSequenceNumber": sequence_text(row["first_sequence"])}
    if row["closed_ms"] is not None:
        span["EndingSequenceNumber"] = sequence_text(row["last_sequence"])
    parent = {"ParentShardId": names[row["parent"]]} if row["parent"] in names else {}
    return {"ShardId": row["name"], "SequenceNumberRange": span} | parent


def _start(tx: Transaction, shard: Row, request: Request, now_ms: int) -> int:
    """The sequence number after which an iterator reads."""
    kind, given = request["ShardIteratorType"], request.get("SequenceNumber")
    newest: Any = tx.one(SQL.newest_sequence)
    if request.get("Timestamp") is not None:
        raise wrong_parameters("Timestamp is not supported for iterators of DynamoDB streams")
    if kind in ("TRIM_HORIZON", "LATEST"):
        if given is not None:
            raise wrong_parameters("SequenceNumber should not be passed for this iterator type")
        return int(newest["sequence"]) if kind == "LATEST" else 0
    if kind not in ("AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"):
        raise invalid(f"Invalid ShardIteratorType: streams of DynamoDB have no {kind}")
    sequence = _sequence_in(shard, given, int(newest["sequence"]))
    since_ms = now_ms - STREAM_LIFE_MS
    kept = tx.all(SQL.records, shard=shard["id"], after=0, since_ms=since_ms, limit=1)
    if kept and sequence < kept[0]["sequence"] and opened_ms(shard["name"]) <= since_ms:
        raise TrimmedDataAccess("The operation attempted to read past the oldest stream record in a shard.")
    return sequence - 1 if kind == "AT_SEQUENCE_NUMBER" else sequence


def _sequence_in(shard: Row, given: str | None, newest: int) -> int:
    """A sequence number that the shard has, could have, or ends with. Raises ValidationError for any other."""
    try:
        sequence = sequence_of(given or "")
    except ValueError:
        raise wrong_parameters("Invalid SequenceNumber") from None
    first, last = shard["first_sequence"], shard["last_sequence"]
    if not first - 1 <= sequence <= (max(newest, first) if last is None else last):
        raise invalid(f"Invalid SequenceNumber for the shard: {given}")
    return sequence


def _limit(request: Request, most: int) -> int:
    """How many are wanted at the most. Raises ValidationError."""
    limit: int = request.get("Limit", most)
    if limit > most:
        raise wrong_parameters(f"Limit should be less than or equal to {most}")
    return limit


def _written(iterator: _Iterator) -> str:
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(iterator)).decode()


def _read(text: str) -> _Iterator:
    try:
        return msgspec.msgpack.decode(base64.b64decode(text, altchars=b"-_", validate=True), type=_Iterator)
    except (binascii.Error, ValueError, msgspec.DecodeError):
        raise invalid("Invalid ShardIterator") from None
