"""`wire_for`: the wire of one service, whatever protocols it answers.

Knows: which protocol a request speaks, how plans are kept, which ids every answer carries, under
which code a service reports broken constraints. Does not know sockets or what operations do.

Source of the codes: IAM, STS, CloudFormation and CloudWatch API references, "Common Errors"
(ValidationError); CloudWatch Logs answers InvalidParameterException with the same text; SQS "The request
must contain the parameter X." (MissingParameter); S3 API reference, "List of error codes".
"""

import hashlib
from base64 import b64encode
from collections.abc import Callable, Mapping
from functools import lru_cache
from threading import Lock
from typing import Any

from botocore.model import ServiceModel

from lambent.errors import ServiceError, ValidationError
from lambent.model.http import HttpRequest, HttpResponse
from lambent.protocol.api import ServiceWire
from lambent.protocol.compression import unpacked
from lambent.protocol.dialect import Answerer, Dialect, RequestReader
from lambent.protocol.dialect_cbor import CborDialect
from lambent.protocol.dialect_ec2 import Ec2Dialect
from lambent.protocol.dialect_json import JsonDialect
from lambent.protocol.dialect_query import QueryDialect
from lambent.protocol.dialect_rest_json import RestJsonDialect
from lambent.protocol.dialect_rest_xml import RestXmlDialect
from lambent.protocol.failures import Unmodelled, Unparsable, coded
from lambent.protocol.faults import FaultIndex
from lambent.protocol.models import UnknownService, load_model, model_in, protocols_of, service_named
from lambent.protocol.parse_xml import MALFORMED
from lambent.protocol.validate import Validator, camel

DIALECTS: dict[str, Callable[[ServiceModel], Dialect]] = {
    "ec2": Ec2Dialect,
    "json": JsonDialect,
    "query": QueryDialect,
    "rest-json": RestJsonDialect,
    "rest-xml": RestXmlDialect,
    "smithy-rpc-v2-cbor": CborDialect,
}
VALIDATION_CODES = {
    "apigatewayv2": "BadRequestException",
    "cloudformation": "ValidationError",
    "cloudwatch": "ValidationError",
    "iam": "ValidationError",
    "logs": "InvalidParameterException",
    "s3": "InvalidArgument",
    "sns": "ValidationError",
    "sqs": "InvalidParameterValue",
    "sts": "ValidationError",
}
UNPARSABLE_CODES = {"query": "MalformedInput", "rest-xml": "InvalidArgument"}
FORM = "application/x-www-form-urlencoded"


def protocol_of(request: HttpRequest, protocols: tuple[str, ...]) -> str:
    """Which of a service's protocols the request speaks; the service's first where nothing tells."""
    if len(protocols) == 1:
        return protocols[0]
    if "smithy-rpc-v2-cbor" in protocols and request.header("smithy-protocol") == "rpc-v2-cbor":
        return "smithy-rpc-v2-cbor"
    if "json" in protocols and request.header("x-amz-target"):
        return "json"
    is_form = request.header("content-type").startswith(FORM) or "Action=" in request.query
    return "query" if "query" in protocols and is_form else protocols[0]


class Wire:
    """One service's requests and answers."""

    def __init__(self, model: ServiceModel) -> None:
        self.service: str = model.service_name
        self.operations: frozenset[str] = frozenset(model.operation_names)
        self._model = model
        self._protocols = tuple(name for name in protocols_of(model) if name in DIALECTS)
        if not self._protocols:
            raise UnknownService(f"{self.service} speaks none of {sorted(DIALECTS)}.")
        self._models = {name: model_in(name, model) for name in self._protocols}
        self._dialects = {name: DIALECTS[name](self._models[name]) for name in self._protocols}
        self._faults, self._validator = FaultIndex(model), Validator(self.service)
        self._validators: dict[str, Callable[[dict[str, Any]], None]] = {}
        self._readers: dict[tuple[str, str], RequestReader] = {}
        self._planning = Lock()  # long requests are read by a thread of their own
        self._answerers: dict[tuple[str, str], Answerer] = {}

    def operation_of(self, request: HttpRequest) -> str:
        """The operation's name. Raises UnknownOperation."""
        return self._dialects[protocol_of(request, self._protocols)].operation_of(request)

    def parse(self, operation: str, request: HttpRequest) -> dict[str, Any]:
        """The parameters, checked. Raises ValidationError or Unparsable, under the service's own code."""
        protocol = protocol_of(request, self._protocols)
        key = (protocol, operation)
        if (read := self._readers.get(key)) is None:
            with self._planning:
                read = self._dialects[protocol].reader(self._models[protocol].operation_model(operation))
            self._readers[key] = read
        try:
            parameters = read(unpacked(request, self._model.operation_model(operation)))
            self._validate(operation, parameters)
        except Unparsable as error:
            if protocol in UNPARSABLE_CODES and error.code == Unparsable.code:
                raise coded(error, UNPARSABLE_CODES[protocol]) from None
            raise
        except RecursionError:
            raise Unparsable("The request is nested too deeply") from None
        return parameters

    def _validate(self, operation: str, parameters: dict[str, Any]) -> None:
        if (validate := self._validators.get(operation)) is None:
            with self._planning:
                validate = self._validator.plan(self._model.operation_model(operation))
            self._validators[operation] = validate
        try:
            validate(parameters)
        except ValidationError as error:
            raise self._renamed(error, operation, parameters) from None

    def _renamed(self, error: ValidationError, operation: str, parameters: dict[str, Any]) -> ValidationError:
        """The error as the service says it; SQS and S3 have words of their own for some."""
        shape = self._model.operation_model(operation).input_shape
        required = shape.required_members if shape is not None else []
        missing = next((name for name in required if parameters.get(name) is None), None)
        if self.service == "sqs" and missing is not None:
            return coded(ValidationError(f"The request must contain the parameter {missing}."), "MissingParameter")
        payload = shape.serialization.get("payload") if self.service == "s3" and shape is not None else None
        if payload is not None and missing == payload:
            return coded(ValidationError("Request Body is empty"), "MissingRequestBodyError")
        if payload is not None and f"at '{camel(payload)}" in error.message:
            return coded(ValidationError(MALFORMED), "MalformedXML")
        return coded(error, VALIDATION_CODES.get(self.service, error.code))

    def answer(self, operation: str, output: Mapping[str, Any], request: HttpRequest, request_id: str) -> HttpResponse:
        """The success answer. Raises Unmodelled for members that the model lacks."""
        protocol = protocol_of(request, self._protocols)
        key = (protocol, operation)
        if (write := self._answerers.get(key)) is None:
            write = self._answerers[key] = self._dialects[protocol].answerer(
                self._models[protocol].operation_model(operation)
            )
        answer = write(output, request_id)
        if request.method == "HEAD":
            answer.body = b""
        answer.headers.extend(self._id_headers(request_id))
        return answer

    def error(
        self, error: ServiceError, request: HttpRequest, request_id: str, operation: str | None = None
    ) -> HttpResponse:
        """The error answer, in the protocol of the request."""
        dialect = self._dialects[protocol_of(request, self._protocols)]
        answer = dialect.error(error, self._faults.form_of(error), request_id)
        answer.headers.extend(self._id_headers(request_id))
        answer.headers.extend(error.headers.items())
        if request.method == "HEAD":
            answer.body = b""
        return answer

    def event_writer(self, operation: str, protocol: str | None = None) -> Callable[[Mapping[str, Any]], bytes]:
        """`event -> message`, for an operation whose answer is an event stream that is sent bit by bit."""
        name = protocol or self._protocols[0]
        if name not in self._dialects:
            raise Unmodelled(f"{self.service} does not answer {name}")
        return self._dialects[name].event_writer(self._models[name].operation_model(operation))

    def _id_headers(self, request_id: str) -> list[tuple[str, str]]:
        if self.service != "s3":
            return [("x-amzn-RequestId", request_id)]
        extended = b64encode(hashlib.sha384(request_id.encode()).digest()).decode("ascii")
        return [("x-amz-request-id", request_id), ("x-amz-id-2", extended)]


@lru_cache(maxsize=64)
def _wire(service: str) -> Wire:
    return Wire(load_model(service))


def wire_for(service: str, request: HttpRequest | None = None) -> ServiceWire:
    """The wire of a service, by its model's name or the name it signs with; the same object each time.

    Args:
        service: `lambda`, `cloudwatch`, `monitoring`, ...
        request: tells models apart that sign with one name (both API Gateways, DynamoDB and its Streams).

    Raises:
        UnknownService: botocore has no such model.
    """
    if request is None:
        return _wire(service_named(service))
    return _wire(service_named(service, request.path, request.header("x-amz-target")))
