"""REST answers: status, headers and body, each output member put in its own place.

Knows: the `location` traits, prefix header maps, payload members, `responseCode`. The body's own
form is given by the dialect. Text for headers loses its line ends, so that no value can add a header.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from botocore.model import OperationModel, Shape

from lambent.model.http import HttpResponse
from lambent.protocol.failures import Unmodelled
from lambent.protocol.models import body_members, location_of, members_of, wire_name
from lambent.protocol.serialize_json import to_base64
from lambent.protocol.shapes import Compiled
from lambent.protocol.text import TextWriter
from lambent.protocol.timestamps import RFC822

BODILESS = (204, 304)
Headers = list[tuple[str, str]]
BodyWriter = Callable[[Mapping[str, Any]], bytes]
NO_LINE_ENDS = dict.fromkeys([0, 10, 13], " ")


class HeaderWriter(TextWriter):
    """Text for headers: timestamps are RFC 822 unless a trait says otherwise."""

    timestamp_default = RFC822

    def _list(self, shape: Shape) -> Compiled:
        writer = self.of(shape.member)
        return lambda value: ",".join(_list_item(writer(item)) for item in value)

    def _string(self, shape: Shape) -> Compiled:
        if not shape.serialization.get("jsonvalue"):
            return super()._string(shape)
        return lambda value: to_base64(msgspec.json.encode(value))


def _list_item(text: str) -> str:
    if "," not in text and '"' not in text:
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


class HeaderPlan:
    """Writes the members of one structure that travel in headers or as the status."""

    def __init__(self, shape: Shape | None, writer: HeaderWriter) -> None:
        self._plain: dict[str, tuple[str, Compiled]] = {}
        self._maps: dict[str, str] = {}
        self.status_member: str | None = None
        for name, member in members_of(shape).items():
            place = location_of(member)
            if place == "header":
                self._plain[name] = (wire_name(member, name), writer.of(member))
            elif place == "headers":
                self._maps[name] = wire_name(member, "")
            elif place == "statusCode":
                self.status_member = name

    def take(self, output: dict[str, Any]) -> Headers:
        """The headers; what went into them is taken out of `output`."""
        headers: Headers = []
        for name in [name for name in output if name in self._plain]:
            value = output.pop(name)
            if value is not None:
                key, writer = self._plain[name]
                headers.append((key, header_text(writer(value))))
        for name in [name for name in output if name in self._maps]:
            for key, value in (output.pop(name) or {}).items():
                headers.append((header_text(self._maps[name] + key), header_text(value)))
        return headers


def header_text(text: str) -> str:
    """`text` without what would end a header."""
    return text.translate(NO_LINE_ENDS)


class RestAnswer:
    """Writes the answers of one operation.

    `body_of` makes the writer of a structure's body from the shape and its members; `content_type`
    is the type of such a body. `event` writes one event of an event stream.
    """

    def __init__(
        self,
        operation: OperationModel,
        headers: HeaderWriter,
        body_of: Callable[[Shape, dict[str, Shape]], BodyWriter],
        content_type: str,
        event: Callable[[Mapping[str, Any]], bytes] | None,
    ) -> None:
        shape = operation.output_shape
        self._shape, self._content_type = shape, content_type
        self._status = int(operation.http.get("responseCode", 200))
        self._headers = HeaderPlan(shape, headers)
        self._payload: str | None = shape.serialization.get("payload") if shape is not None else None
        self._payload_kind = "none"
        self._write: BodyWriter | None = None
        self._event = event
        if shape is not None and self._payload is not None:
            payload = members_of(shape)[self._payload]
            self._payload_kind = "stream" if payload.serialization.get("eventstream") else payload.type_name
            if self._payload_kind == "structure":
                self._write = body_of(payload, members_of(payload))
        elif shape is not None and (members := body_members(shape)):
            self._write = body_of(shape, members)

    def write(self, output: Mapping[str, Any]) -> HttpResponse:
        """The answer, without the headers that every answer carries."""
        rest = dict(output)
        status = self._status
        if self._headers.status_member is not None:
            status = int(rest.pop(self._headers.status_member, None) or status)
        headers = self._headers.take(rest)
        body, content_type = self._body(rest)
        if status in BODILESS:
            return HttpResponse(status, headers)
        if content_type and all(key.lower() != "content-type" for key, _ in headers):
            headers.append(("Content-Type", content_type))
        return HttpResponse(status, headers, body)

    def _body(self, rest: dict[str, Any]) -> tuple[bytes, str]:
        if self._payload is None:
            return self._whole_body(rest)
        value = rest.pop(self._payload, None)
        if rest:
            raise Unmodelled(f"the model has no member {sorted(rest)} here")
        if self._payload_kind == "stream":
            if self._event is None:
                raise Unmodelled("this dialect has no event streams")
            return b"".join(map(self._event, value or ())), "application/vnd.amazon.eventstream"
        if value is None:
            return b"", ""
        if self._write is not None:
            return self._write(value), self._content_type
        data = value.encode("utf-8", "replace") if isinstance(value, str) else bytes(value)
        return data, self._raw_type()

    def _raw_type(self) -> str:
        if not self._content_type.endswith("xml"):
            return self._content_type
        # S3: an object's type is a header member; the one text payload is a bucket policy.
        return "application/json" if self._payload_kind == "string" else "binary/octet-stream"

    def _whole_body(self, rest: dict[str, Any]) -> tuple[bytes, str]:
        if self._write is not None:
            return self._write(rest), self._content_type
        if rest:
            raise Unmodelled(f"the model has no member {sorted(rest)} here")
        return b"", ""
