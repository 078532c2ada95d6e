"""Stream records: what is kept of a change, and how it is shown.

Source: DynamoDB API reference (Streams), Record and StreamRecord; Developer Guide, "DynamoDB Streams and Time to Live".
"""

from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct

from lambent.services.dynamodb.values import Item, item_size

FIRST_SEQUENCE = 10**20  # sequence numbers have 21 digits, so that their order is that of their text
IDENTITY = {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"}


class StreamRecord(Struct, frozen=True, array_like=True):
    """A change of one item. `by_service`: the item had expired."""

    event_id: str
    change: str
    keys: Item
    old: Item | None = None
    new: Item | None = None
    by_service: bool = False


class Sequenced(Struct, frozen=True):
    """A record in its shard."""

    sequence: int
    created_ms: int
    record: StreamRecord


encode_record = msgspec.msgpack.Encoder().encode
decode_record = msgspec.msgpack.Decoder(StreamRecord).decode


def sequence_text(sequence: int) -> str:
    """A sequence number as callers see it."""
    return str(FIRST_SEQUENCE + sequence)


def sequence_of(text: str) -> int:
    """The number behind a sequence number. Raises ValueError."""
    if not text.isascii() or not text.isdigit():
        raise ValueError(f"{text!r} is no sequence number")
    return int(text) - FIRST_SEQUENCE


def shown(sequenced: Sequenced, region: str, view: str) -> dict[str, Any]:
    """A record as GetRecords answers it; times are whole seconds, as AWS has them."""
    record = sequenced.record
    inside: dict[str, Any] = {
        "ApproximateCreationDateTime": datetime.fromtimestamp(sequenced.created_ms // 1000, UTC),
        "Keys": record.keys,
        "SequenceNumber": sequence_text(sequenced.sequence),
        "SizeBytes": sum(item_size(item) for item in (record.keys, record.old, record.new) if item is not None),
        "StreamViewType": view,
    }
    if record.new is not None:
        inside["NewImage"] = record.new
    if record.old is not None:
        inside["OldImage"] = record.old
    answer = {
        "eventID": record.event_id,
        "eventName": record.change,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": region,
        "dynamodb": inside,
    }
    return answer | {"userIdentity": IDENTITY} if record.by_service else answer
