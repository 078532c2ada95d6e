"""The json protocol (1.0 and 1.1): `X-Amz-Target` names the operation, bodies are JSON.

Source: Smithy's "AWS JSON 1.0/1.1 protocol" pages; `__type` carries a namespace for DynamoDB and SQS
(botocore and all SDKs cut it off), as those services answer; AWS Query compatibility:
`x-amzn-query-error: CODE;Sender`. DynamoDB sends the CRC-32 of each body as `x-amz-crc32`, which the SDKs for Go, Java,
Ruby and Python compare; the one for Go takes its absence for a broken answer.
"""

import zlib
from collections.abc import Callable, Mapping
from typing import Any

from botocore.model import OperationModel, ServiceModel, Shape

from lambent.errors import ServiceError
from lambent.model.http import HttpRequest, HttpResponse
from lambent.protocol.dialect import Answerer, RequestReader, is_operation
from lambent.protocol.eventstream import EventWriter, initial_response
from lambent.protocol.failures import Unmodelled, unknown_operation
from lambent.protocol.faults import FaultForm
from lambent.protocol.models import event_stream_name, members_of
from lambent.protocol.parse_json import JsonReader, decode_json
from lambent.protocol.serialize_json import JsonWriter, encode_json

TYPE_PREFIXES = {
    "dynamodb": "com.amazonaws.dynamodb.v20120810#",
    "dynamodbstreams": "com.amazonaws.dynamodb.v20120810#",
    "sqs": "com.amazonaws.sqs#",
}
WITH_CHECKSUM = frozenset({"dynamodb", "dynamodbstreams"})
EVENT_STREAM = "application/vnd.amazon.eventstream"


class RpcDialect:
    """What json and smithy-rpc-v2-cbor share: one body for each structure, and event streams that open
    with an `initial-response`."""

    def __init__(self, model: ServiceModel, content_type: str, *more_headers: tuple[str, str]) -> None:
        self._model, self._content_type = model, content_type
        self._more_headers = more_headers
        self._with_checksum = model.service_name in WITH_CHECKSUM
        self._query_compatible = "awsQueryCompatible" in model.metadata

    def decode(self, body: bytes) -> Any:
        """The raw value in a body."""
        raise NotImplementedError

    def encode(self, raw: Any) -> bytes:
        """A body that holds the raw value."""
        raise NotImplementedError

    @property
    def readers(self) -> JsonReader:
        """The compiler of readers."""
        raise NotImplementedError

    @property
    def writers(self) -> JsonWriter:
        """The compiler of writers."""
        raise NotImplementedError

    def reader(self, operation: OperationModel) -> RequestReader:
        read = self.readers.structure_of(members_of(operation.input_shape))
        return lambda request: read(self.decode(request.body))

    def body_of(self, shape: Shape, members: dict[str, Shape]) -> Callable[[Mapping[str, Any]], bytes]:
        """The writer of one structure's body."""
        write = self.writers.structure_of(members)
        return lambda value: self.encode(write(value))

    def answerer(self, operation: OperationModel) -> Answerer:
        members = members_of(operation.output_shape)
        stream = event_stream_name(operation)
        if stream is not None:
            return self._streamer(operation, members, stream)
        write = self.writers.structure_of(members)
        headers = [("Content-Type", self._content_type), *self._more_headers]

        def answer(output: Mapping[str, Any], _request_id: str) -> HttpResponse:
            return self._answer(200, headers, self.encode(write(output)))

        return answer

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> HttpResponse:
        checked = [("x-amz-crc32", str(zlib.crc32(body)))] if self._with_checksum else []
        return HttpResponse(status, [*headers, *checked], body)

    def _streamer(self, operation: OperationModel, members: dict[str, Shape], stream: str) -> Answerer:
        event = self.event_writer(operation)
        write = self.writers.structure_of({name: member for name, member in members.items() if name != stream})

        def answer(output: Mapping[str, Any], _request_id: str) -> HttpResponse:
            first = self.encode(write({name: value for name, value in output.items() if name != stream}))
            messages = [initial_response(first, self._content_type), *map(event, output.get(stream) or ())]
            return HttpResponse(200, [("Content-Type", EVENT_STREAM), *self._more_headers], b"".join(messages))

        return answer

    def event_writer(self, operation: OperationModel) -> Callable[[Mapping[str, Any]], bytes]:
        stream = event_stream_name(operation)
        if stream is None:
            raise Unmodelled(f"{operation.name} answers without an event stream")
        return EventWriter(members_of(operation.output_shape)[stream], self.body_of, self._content_type).write

    def error(self, error: ServiceError, form: FaultForm, request_id: str) -> HttpResponse:
        raw = {"__type": TYPE_PREFIXES.get(self._model.service_name, "") + form.name, form.message_key: error.message}
        raw |= self.writers.structure_of(members_of(form.shape))(form.members(error))
        raw[form.message_key] = error.message
        headers = [("Content-Type", self._content_type), *self._more_headers]
        if self._query_compatible:
            headers.append(("x-amzn-query-error", f"{form.query_code};{'Sender' if form.sender else 'Receiver'}"))
        return self._answer(form.status, headers, self.encode(raw))


class JsonDialect(RpcDialect):
    """A service in json 1.0 or 1.1."""

    def __init__(self, model: ServiceModel) -> None:
        super().__init__(model, f"application/x-amz-json-{model.metadata.get('jsonVersion', '1.1')}")
        self._prefix = model.metadata.get("targetPrefix", "")
        self._reader, self._writer = JsonReader(), JsonWriter()

    @property
    def readers(self) -> JsonReader:
        return self._reader

    @property
    def writers(self) -> JsonWriter:
        return self._writer

    def decode(self, body: bytes) -> Any:
        return decode_json(body)

    def encode(self, raw: Any) -> bytes:
        return encode_json(raw)

    def operation_of(self, request: HttpRequest) -> str:
        prefix, _, name = request.header("x-amz-target").rpartition(".")
        if prefix != self._prefix or not is_operation(self._model, name):
            raise unknown_operation(f"The target {request.header('x-amz-target')!r} names no operation", status=400)
        return name
