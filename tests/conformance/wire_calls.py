"""Both ends of a call without a network: botocore's serializers and parsers against our wire."""

import io
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from botocore.awsrequest import HeadersDict, create_request_object, prepare_request_dict
from botocore.handlers import parse_get_bucket_location
from botocore.model import OperationModel, ServiceModel, Shape
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

from lambent.model.http import HttpRequest, HttpResponse
from lambent.protocol.models import load_model, model_in, protocols_of

SERVICES = [
    "lambda",
    "logs",
    "cloudwatch",
    "iam",
    "sts",
    "sqs",
    "sns",
    "s3",
    "dynamodb",
    "dynamodbstreams",
    "kinesis",
    "events",
    "scheduler",
    "apigateway",
    "apigatewayv2",
    "cloudformation",
    "ssm",
]


class Caller:
    """A botocore client of one service in one protocol, as far as bytes go."""

    def __init__(self, service: str, protocol: str) -> None:
        self.service, self.protocol = service, protocol
        self.model: ServiceModel = model_in(protocol, load_model(service))
        self._serializer = create_serializer(protocol)
        self._parser = create_parser(protocol)

    def operations(self) -> Iterator[OperationModel]:
        """All operations of the model."""
        for name in self.model.operation_names:
            yield self.model.operation_model(name)

    def request(self, operation: OperationModel, parameters: Mapping[str, Any]) -> HttpRequest:
        """The request that botocore would send."""
        plain = self._serializer.serialize_to_request(dict(parameters), operation)
        host = "s3express-control" if operation.name == "ListDirectoryBuckets" else self.service
        prepare_request_dict(plain, f"https://{host}.us-east-1.amazonaws.com", context={})
        sent = create_request_object(plain).prepare()
        parts = urlsplit(sent.url)
        headers = [("host", parts.netloc)]
        headers += [(key.lower(), _text(value)) for key, value in sent.headers.items()]
        body = sent.body.encode() if isinstance(sent.body, str) else bytes(sent.body or b"")
        return HttpRequest(sent.method, parts.path or "/", parts.query, headers, body)

    def parsed(self, operation: OperationModel, answer: HttpResponse) -> dict[str, Any]:
        """What botocore makes of an answer."""
        body: Any = answer.body
        if operation.has_event_stream_output:
            body = Stream(answer.body)
        elif operation.has_streaming_output:
            body = io.BytesIO(answer.body)
        response = self._response(answer, body)
        response["context"] = {"operation_name": operation.name}
        result: dict[str, Any] = self._parser.parse(response, operation.output_shape)
        if operation.name == "GetBucketLocation":
            parse_get_bucket_location(result, Content(answer.body))
        result.pop("ResponseMetadata", None)
        return {name: _whole(value) for name, value in result.items()}

    def parsed_error(self, answer: HttpResponse, shape: Shape | None = None) -> dict[str, Any]:
        """What botocore makes of an error, without its shape or with it."""
        result: dict[str, Any] = self._parser.parse(self._response(answer, answer.body), shape)
        return result

    def _response(self, answer: HttpResponse, body: Any) -> dict[str, Any]:
        return {"headers": HeadersDict(answer.headers), "status_code": answer.status, "body": body}


class Stream:
    """A response body that botocore's event streams read from, in pieces that cut through messages."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self) -> Iterator[bytes]:
        for at in range(0, len(self._body), 37):
            yield self._body[at : at + 37]

    def close(self) -> None:
        """Nothing to close."""


class Content:
    """What botocore's handlers see of a response."""

    def __init__(self, body: bytes) -> None:
        self.raw, self.content = io.BytesIO(body), body


def callers() -> list[tuple[str, str]]:
    """Every service with every protocol of its model."""
    return [(service, protocol) for service in SERVICES for protocol in protocols_of(load_model(service))]


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _whole(value: Any) -> Any:
    if isinstance(value, io.BytesIO):
        return value.read()
    if hasattr(value, "_event_generator"):
        return list(value)
    return value


def pruned(value: Any) -> Any:
    """The value without empty structures, lists, maps and blobs: not every protocol can carry them."""
    if isinstance(value, dict):
        kept = {key: pruned(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item not in ({}, [], b"", None)}
    return [pruned(item) for item in value] if isinstance(value, list) else value
