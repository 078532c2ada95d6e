"""Event streams for answers: `application/vnd.amazon.eventstream` messages.

Knows: a message's prelude, its two checksums, its headers, and how one event of a modelled
stream becomes a message. Does not know HTTP, nor when events come: the caller sends each message.

A message: total length, headers length, CRC-32 of those two, headers, payload, CRC-32 of all before;
numbers big-endian. Source: Smithy's "Amazon Event Stream Specification"; read back by
botocore.eventstream in the tests.
"""

import struct
import zlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeAlias

from botocore.model import Shape

from lambent.protocol.failures import Unmodelled
from lambent.protocol.models import members_of
from lambent.protocol.timestamps import epoch_of

HeaderValue: TypeAlias = "str | bytes | bool | int | datetime"
BodyOf: TypeAlias = Callable[[Shape, dict[str, Shape]], Callable[[Mapping[str, Any]], bytes]]
INT32_MAX = 2**31 - 1
OVERHEAD_BYTES = 16  # prelude, its checksum, the message's checksum


def encode_message(headers: Mapping[str, HeaderValue], payload: bytes = b"") -> bytes:
    """One message."""
    encoded = b"".join(_header(name, value) for name, value in headers.items())
    prelude = struct.pack(">II", OVERHEAD_BYTES + len(encoded) + len(payload), len(encoded))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + encoded + payload
    return message + struct.pack(">I", zlib.crc32(message))


def _header(name: str, value: HeaderValue) -> bytes:
    key = name.encode()
    return struct.pack("B", len(key)) + key + _value(value)


def _value(value: HeaderValue) -> bytes:
    if isinstance(value, bool):
        return b"\x00" if value else b"\x01"
    if isinstance(value, int):
        return struct.pack(">Bi", 4, value) if -INT32_MAX <= value <= INT32_MAX else struct.pack(">Bq", 5, value)
    if isinstance(value, bytes):
        return struct.pack(">BH", 6, len(value)) + value
    if isinstance(value, datetime):
        return struct.pack(">Bq", 8, round(epoch_of(value) * 1000))
    text = value.encode("utf-8", "replace")
    return struct.pack(">BH", 7, len(text)) + text


def event_message(kind: str, payload: bytes, content_type: str) -> bytes:
    """One event of a stream whose member is called `kind`."""
    return encode_message(
        {":message-type": "event", ":event-type": kind, ":content-type": content_type},
        payload,
    )


def initial_response(payload: bytes, content_type: str) -> bytes:
    """The first message of a stream in the RPC protocols: the members beside the stream."""
    return event_message("initial-response", payload, content_type)


class EventWriter:
    """Writes the events of one stream shape: `{"PayloadChunk": {"Payload": b"..."}}` is one event."""

    def __init__(self, stream: Shape, body_of: BodyOf, content_type: str) -> None:
        self._kinds = {
            name: _EventKind(name, member, body_of, content_type) for name, member in members_of(stream).items()
        }

    def write(self, event: Mapping[str, Any]) -> bytes:
        """The message of one event."""
        if len(event) != 1:
            raise Unmodelled("an event has exactly one member")
        ((name, value),) = event.items()
        if name not in self._kinds:
            raise Unmodelled(f"the stream has no event {name!r}, only {sorted(self._kinds)}")
        return self._kinds[name].write(value)


class _EventKind:
    """How one kind of event is written."""

    def __init__(self, name: str, shape: Shape, body_of: BodyOf, content_type: str) -> None:
        members = members_of(shape)
        self._headers = [key for key, member in members.items() if member.serialization.get("eventheader")]
        self._payload = next((key for key, m in members.items() if m.serialization.get("eventpayload")), None)
        self._fixed: dict[str, HeaderValue]
        if shape.metadata.get("exception"):
            self._fixed = {":message-type": "exception", ":exception-type": name}
        else:
            self._fixed = {":message-type": "event", ":event-type": name}
        kind = members[self._payload].type_name if self._payload else "structure"
        self._fixed[":content-type"] = {"blob": "application/octet-stream", "string": "text/plain"}.get(
            kind, content_type
        )
        self._write: Callable[[Any], bytes]
        if kind in ("blob", "string"):
            self._write = _raw
        elif self._payload:
            self._write = body_of(members[self._payload], members_of(members[self._payload]))
        else:
            self._write = body_of(shape, {k: m for k, m in members.items() if k not in self._headers})

    def write(self, value: Mapping[str, Any]) -> bytes:
        headers = dict(self._fixed)
        rest = dict(value)
        for key in self._headers:
            if (item := rest.pop(key, None)) is not None:
                headers[key] = item
        body = rest.pop(self._payload, None) if self._payload else rest
        if self._payload and rest:
            raise Unmodelled(f"the event has no member {sorted(rest)}")
        return encode_message(headers, b"" if body is None else self._write(body))


def _raw(value: bytes | str) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(value)
