"""The query protocol: a form names the operation, answers are XML.

Source: Smithy's "AWS Query protocol" page: `<OpResponse><OpResult>...</OpResult><ResponseMetadata>`, and
`<ErrorResponse><Error><Type>Sender|Receiver</Type><Code/><Message/></Error><RequestId/></ErrorResponse>`;
an unknown action is `InvalidAction`, a missing one `MissingAction` (IAM API reference, "Common Errors").
"""

from collections.abc import Callable, Mapping
from typing import Any

from botocore.model import OperationModel, ServiceModel

from lambent.errors import ServiceError
from lambent.model.http import HttpRequest, HttpResponse
from lambent.protocol.dialect import Answerer, RequestReader, is_operation, no_parameters
from lambent.protocol.failures import Unmodelled, unknown_operation
from lambent.protocol.faults import FaultForm
from lambent.protocol.models import members_of
from lambent.protocol.parse_query import Form, QueryReader, form_of, text_at
from lambent.protocol.query_sqs import with_queue_of_path
from lambent.protocol.serialize_xml import XmlWriter, document, element

CONTENT_TYPE = ("Content-Type", "text/xml")


def request_form(request: HttpRequest) -> Form:
    """The form of a request: its body, or its query where the body is empty."""
    if request.body:
        return form_of(request.body.decode("utf-8", "replace"))
    return form_of(request.query)


class QueryDialect:
    """A service in the query protocol."""

    def __init__(self, model: ServiceModel) -> None:
        self._model = model
        self._reader, self._writer = QueryReader(), XmlWriter()
        self._space = model.metadata.get("xmlNamespace", "")

    def operation_of(self, request: HttpRequest) -> str:
        action = text_at(request_form(request), "Action")
        if not action:
            raise unknown_operation("Missing Action", "MissingAction", 400)
        if not is_operation(self._model, action):
            message = f"Could not find operation {action} for version {self._model.api_version}"
            raise unknown_operation(message, "InvalidAction", 400)
        return action

    def reader(self, operation: OperationModel) -> RequestReader:
        if operation.input_shape is None:
            return no_parameters
        read = self._reader.of(operation.input_shape)
        if self._model.service_name == "sqs" and "QueueUrl" in operation.input_shape.members:
            return lambda request: with_queue_of_path(read(request_form(request)), request.path)
        return lambda request: read(request_form(request))

    def answerer(self, operation: OperationModel) -> Answerer:
        shape = operation.output_shape
        content = self._writer.content_of(members_of(shape))
        name = operation.name
        result = shape.serialization.get("resultWrapper", "") if shape is not None else ""
        start = f'<{name}Response xmlns="{self._space}">' + (f"<{result}>" if result else "")
        end = f"</{result}>" if result else ""

        def answer(output: Mapping[str, Any], request_id: str) -> HttpResponse:
            out = [start]
            content(output, out)
            out.append(f"{end}<ResponseMetadata>{element('RequestId', request_id)}</ResponseMetadata></{name}Response>")
            return HttpResponse(200, [CONTENT_TYPE], document("".join(out)))

        return answer

    def error(self, error: ServiceError, form: FaultForm, request_id: str) -> HttpResponse:
        members = {k: member for k, member in members_of(form.shape).items() if k not in (form.message_key, "Type")}
        out = [
            f'<ErrorResponse xmlns="{self._space}"><Error>',
            element("Type", "Sender" if form.sender else "Receiver"),
            element("Code", form.query_code),
            element("Message", error.message),
        ]
        more = {name: value for name, value in form.members(error).items() if name in members}
        self._writer.content_of(members)(more, out)
        out.append(f"</Error>{element('RequestId', request_id)}</ErrorResponse>")
        return HttpResponse(form.status, [CONTENT_TYPE], document("".join(out)))

    def event_writer(self, operation: OperationModel) -> Callable[[Mapping[str, Any]], bytes]:
        raise Unmodelled("the query protocol has no event streams")
