"""The nouns of SQS, frozen: a queue, and a message's content."""

from typing import Any

import msgspec
from msgspec import Struct

from lambent.services.sqs.attributes import QueueSettings
from lambent.services.sqs.names import QueueKey

AttributeValue = tuple[str, Any]
"""Data type, and value: a str, or bytes for Binary types."""
FIRST_SEQUENCE = 18_840_000_000_000_000_000  # sequence numbers have twenty digits


class Queue(Struct, frozen=True):
    """One queue. `lane` is where its messages lie; `settings` is what `attributes` mean."""

    id: int
    key: QueueKey
    lane: int
    handle_key: bytes
    created_s: int
    modified_s: int
    purged_ms: int
    attributes: dict[str, str]
    tags: dict[str, str]
    settings: QueueSettings

    @property
    def arn(self) -> str:
        return self.key.arn


class Content(Struct, frozen=True, array_like=True):
    """What of a message never changes. Empty texts stand for what was not given."""

    message_id: str
    body: str
    md5: str
    sender_id: str
    attributes: dict[str, AttributeValue] = {}
    trace_header: str = ""
    group: str = ""
    deduplication_id: str = ""
    dead_letter_source: str = ""


class Outgoing(Struct, frozen=True):
    """A message on its way into a queue. `delay_s` is None for the queue's own."""

    content: Content
    delay_s: int | None = None


class Sent(Struct, frozen=True):
    """What the sender is told. `sequence` is 0 in standard queues."""

    message_id: str
    sequence: int = 0


class Received(Struct, frozen=True):
    """A message that was taken, until its visibility timeout ends at `visible_ms`."""

    id: int
    receives: int
    all_receives: int
    sent_ms: int
    first_received_ms: int
    visible_ms: int
    content: Content
    handle: str = ""

    @property
    def sequence(self) -> int:
        return sequence_of(self.id)


def sequence_of(message: int) -> int:
    """The SequenceNumber of a FIFO queue's message, from its row's id, which only grows."""
    return FIRST_SEQUENCE + message


encode_content = msgspec.msgpack.Encoder().encode
decode_content = msgspec.msgpack.Decoder(Content).decode
