"""The rest-json protocol: method and path name the operation, bodies are JSON.

Errors: header `x-amzn-ErrorType`, body `{"Type": "User", "message": ...}` with the message's spelling,
and `Type` at all, as the error's shape has them (behaviours sheet section 1, recorded from Lambda).
Lambda calls a body that is no JSON InvalidRequestContentException: "Could not parse request body
into json: ..." (seen in public issue reports of the real service).
"""

from collections.abc import Callable, Mapping
from typing import Any

from botocore.model import OperationModel, ServiceModel, Shape

from lambent.errors import ServiceError
from lambent.model.http import HttpRequest, HttpResponse
from lambent.protocol.dialect import Answerer, RequestReader
from lambent.protocol.eventstream import EventWriter
from lambent.protocol.failures import Unmodelled, Unparsable, coded, unknown_operation
from lambent.protocol.faults import FaultForm
from lambent.protocol.models import body_members, event_stream_name, members_of
from lambent.protocol.parse_json import JsonReader, decode_json
from lambent.protocol.rest_request import RestRequests
from lambent.protocol.rest_response import HeaderPlan, HeaderWriter, RestAnswer
from lambent.protocol.router import RestRouter
from lambent.protocol.serialize_json import JsonWriter, encode_json

CONTENT_TYPE = "application/json"


def decode_lambda_json(body: bytes) -> Any:
    """A JSON body as Lambda refuses it."""
    try:
        return decode_json(body)
    except Unparsable as error:
        message = f"Could not parse request body into json: {error.message}"
        raise coded(Unparsable(message), "InvalidRequestContentException") from None


class RestJsonDialect:
    """A service in rest-json."""

    def __init__(self, model: ServiceModel) -> None:
        decode = decode_lambda_json if model.service_name == "lambda" else decode_json
        self._router = RestRouter(model)
        self._requests = RestRequests(JsonReader(), decode)
        self._writer, self._headers = JsonWriter(), HeaderWriter()

    def operation_of(self, request: HttpRequest) -> str:
        name = self._router.match(request)
        if name is None:
            raise unknown_operation(f"No operation answers {request.method} {request.path}")
        return name

    def reader(self, operation: OperationModel) -> RequestReader:
        return self._requests.plan(operation)

    def _body_of(self, shape: Shape, members: dict[str, Shape]) -> Callable[[Mapping[str, Any]], bytes]:
        write = self._writer.structure_of(members)
        return lambda value: encode_json(write(value))

    def answerer(self, operation: OperationModel) -> Answerer:
        event = self.event_writer(operation) if event_stream_name(operation) else None
        plan = RestAnswer(operation, self._headers, self._body_of, CONTENT_TYPE, event)
        return lambda output, _request_id: plan.write(output)

    def event_writer(self, operation: OperationModel) -> Callable[[Mapping[str, Any]], bytes]:
        stream = event_stream_name(operation)
        if stream is None:
            raise Unmodelled(f"{operation.name} answers without an event stream")
        return EventWriter(members_of(operation.output_shape)[stream], self._body_of, CONTENT_TYPE).write

    def error(self, error: ServiceError, form: FaultForm, request_id: str) -> HttpResponse:
        members = form.members(error)
        headers = [("Content-Type", CONTENT_TYPE), ("x-amzn-ErrorType", form.name)]
        headers += HeaderPlan(form.shape, self._headers).take(members)
        raw = {"Type": "User" if form.sender else "Service"} if form.typed else {}
        raw |= self._writer.structure_of(body_members(form.shape))(members)
        raw[form.message_key] = error.message
        return HttpResponse(form.status, headers, encode_json(raw))
