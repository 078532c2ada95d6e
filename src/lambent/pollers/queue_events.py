"""The records of an SQS event. Pure.

Source: Lambda Developer Guide, "Using Lambda with Amazon SQS" (the example events, standard and FIFO); behaviours
section 22. The list members are always there and always empty: SQS does not support them.
"""

from base64 import b64encode
from typing import Any

import msgspec

from lambent.pollers.api import Message

HEAD, TAIL = b'{"Records":[', b"]}"
FRAME_BYTES = len(HEAD) + len(TAIL)
encode = msgspec.json.Encoder().encode


def record_of(message: Message, source_arn: str) -> dict[str, Any]:
    """What the function, and the filter criteria before it, see of a message."""
    record: dict[str, Any] = {
        "messageId": message.id,
        "receiptHandle": message.handle,
        "body": message.body,
        "attributes": {name: value for name, value in message.attributes.items() if value},
        "messageAttributes": {
            name: _attribute(kind, value) for name, (kind, value) in message.message_attributes.items()
        },
    }
    if message.md5_of_attributes:
        record["md5OfMessageAttributes"] = message.md5_of_attributes
    record["md5OfBody"] = message.md5
    record["eventSource"] = "aws:sqs"
    record["eventSourceARN"] = source_arn
    record["awsRegion"] = source_arn.split(":")[3]
    return record


def event_of(records: list[bytes]) -> bytes:
    """The whole event of encoded records."""
    return HEAD + b",".join(records) + TAIL


def _attribute(kind: str, value: str | bytes) -> dict[str, Any]:
    name, shown = ("binaryValue", b64encode(value).decode()) if isinstance(value, bytes) else ("stringValue", value)
    return {name: shown, "stringListValues": [], "binaryListValues": [], "dataType": kind}
