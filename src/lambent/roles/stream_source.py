"""Streams as pollers see them: DynamoDB's public interface, in the pollers' words.

Source of a record's form: behaviours section 22. Unlike GetRecords, an event has the ARN of the stream in each
record, times as numbers, and the members of userIdentity in lower case.
"""

import zlib
from datetime import datetime
from typing import Any

import msgspec

from lambent.pollers.api import Change, Page, Shard
from lambent.services.dynamodb.public import PublicStreams

MOST_RECORDS = 1000
_encode = msgspec.json.Encoder(order="deterministic").encode


class StreamSource:
    """Implements `pollers.api.Streams`."""

    def __init__(self, streams: PublicStreams) -> None:
        self._streams = streams

    async def exists(self, arn: str) -> bool:
        """Whether there is such a stream; for the Lambda service."""
        return await self._streams.exists(arn)

    async def shards(self, arn: str) -> list[Shard]:
        return [Shard(shard.id, shard.parent) for shard in await self._streams.shards(arn)]

    async def newest(self, arn: str) -> str:
        return await self._streams.newest(arn)

    async def read(self, arn: str, shard: str, position: str, wait_s: float) -> Page:
        batch = await self._streams.read(arn, shard, position, MOST_RECORDS, wait_s)
        changes = [change_of(record, arn) for record in batch.records]
        return Page(position, batch.position, changes, batch.ended, batch.more)


def change_of(record: dict[str, Any], arn: str) -> Change:
    """A record as GetRecords shows it, as functions see it."""
    inside: dict[str, Any] = record["dynamodb"]
    moment: datetime = inside["ApproximateCreationDateTime"]
    arrived_s = int(moment.timestamp())
    shown = record | {"dynamodb": inside | {"ApproximateCreationDateTime": arrived_s}, "eventSourceARN": arn}
    if identity := record.get("userIdentity"):
        shown["userIdentity"] = {"principalId": identity["PrincipalId"], "type": identity["Type"]}
    return Change(inside["SequenceNumber"], arrived_s, zlib.crc32(_encode(inside["Keys"])), msgspec.json.encode(shown))
