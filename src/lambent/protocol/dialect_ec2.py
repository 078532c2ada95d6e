"""The EC2 protocol: forms like those of the query protocol, errors in an envelope of its own.

Lambent has no EC2. Tools ask it all the same (subnets, security groups, zones), and are told by name what there is
not, in a form that they can read: so this knows operations and errors, and no parameters and answers.

Source: Smithy's "AWS EC2 query protocol" page: `<Response><Errors><Error>...</Error></Errors><RequestID/></Response>`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from botocore.model import OperationModel, ServiceModel

from lambent.errors import ServiceError
from lambent.model.http import HttpRequest, HttpResponse
from lambent.protocol.dialect import Answerer, RequestReader
from lambent.protocol.dialect_query import CONTENT_TYPE, QueryDialect
from lambent.protocol.failures import Unmodelled
from lambent.protocol.faults import FaultForm
from lambent.protocol.serialize_xml import document, element

NONE_OF_IT = "no operation of the EC2 protocol is carried out"


class Ec2Dialect:
    """A service in the EC2 protocol, none of whose operations are carried out."""

    def __init__(self, model: ServiceModel) -> None:
        self._forms = QueryDialect(model)

    def operation_of(self, request: HttpRequest) -> str:
        return self._forms.operation_of(request)

    def reader(self, operation: OperationModel) -> RequestReader:
        raise Unmodelled(NONE_OF_IT)

    def answerer(self, operation: OperationModel) -> Answerer:
        raise Unmodelled(NONE_OF_IT)

    def error(self, error: ServiceError, form: FaultForm, request_id: str) -> HttpResponse:
        told = element("Code", form.query_code) + element("Message", error.message)
        text = f"<Response><Errors><Error>{told}</Error></Errors>{element('RequestID', request_id)}</Response>"
        return HttpResponse(form.status, [CONTENT_TYPE], document(text))

    def event_writer(self, operation: OperationModel) -> Callable[[Mapping[str, Any]], bytes]:
        raise Unmodelled(NONE_OF_IT)
