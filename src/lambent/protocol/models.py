"""Which service models there are, and which one a request means.

Knows: botocore's service models, the signing names that differ from the model's name, the
protocols each model answers. Does not know HTTP bodies or shapes' insides.

Source: `metadata` of the models (botocore 1.44.5): `protocol`, `protocols`, `signingName`,
`endpointPrefix`, `targetPrefix`. CloudWatch signs as `monitoring`; DynamoDB Streams signs as
`dynamodb`; both API Gateway models sign as `apigateway` and differ by the path `/v2/`. Of services that Lambent does
not have, those are here that stand beside functions in templates, so that what is asked of them is refused by name.
"""

from functools import lru_cache
from typing import Any

import botocore.loaders
from botocore.model import OperationModel, ServiceModel, Shape

from lambent.errors import ServiceError
from lambent.protocol.query_sqs import query_description

ALIASES = {
    "aoss": "opensearchserverless",
    "aps": "amp",
    "cassandra": "keyspaces",
    "elasticfilesystem": "efs",
    "elasticloadbalancing": "elbv2",
    "elasticmapreduce": "emr",
    "monitoring": "cloudwatch",
    "servicequotas": "service-quotas",
    "states": "stepfunctions",
    "streams.dynamodb": "dynamodbstreams",
    "streams-dynamodb": "dynamodbstreams",
    "tagging": "resourcegroupstaggingapi",
    "timestream": "timestream-write",
}
BELOW = {  # signing name -> (where another model's paths begin, that model)
    "apigateway": ("/v2", "apigatewayv2"),
    "es": ("/2021-01-01", "opensearch"),
    "ses": ("/v2", "sesv2"),
}
STREAMS_TARGET = "DynamoDBStreams_"


class UnknownService(ServiceError):
    """No model has this name."""

    code, status = "UnknownServiceException", 404


def service_named(signing_name: str, path: str = "/", target: str = "") -> str:
    """The model's name for a signing name, the path and the `X-Amz-Target` deciding where one name signs for two."""
    start, below = BELOW.get(signing_name, ("", ""))
    if below and (path == start or path.startswith(start + "/")):
        return below
    if signing_name == "dynamodb" and target.startswith(STREAMS_TARGET):
        return "dynamodbstreams"
    return ALIASES.get(signing_name, signing_name)


@lru_cache(maxsize=1)
def _loader() -> Any:
    return botocore.loaders.Loader()


@lru_cache(maxsize=1)
def known_services() -> frozenset[str]:
    """Every service that botocore has a model of."""
    return frozenset(_loader().list_available_services("service-2"))


def load_model(service: str) -> ServiceModel:
    """A fresh model of `service`.

    Raises:
        UnknownService: botocore has none.
    """
    if service not in known_services():
        raise UnknownService(f"There is no service called {service!r}.")
    return ServiceModel(_loader().load_service_model(service, "service-2"), service_name=service)


def model_in(protocol: str, model: ServiceModel) -> ServiceModel:
    """The model with the names that this protocol gives things; nearly always the same."""
    if (model.service_name, protocol) != ("sqs", "query"):
        return model
    description = _loader().load_service_model(model.service_name, "service-2")
    return ServiceModel(query_description(description), service_name=model.service_name)


def protocols_of(model: ServiceModel) -> tuple[str, ...]:
    """The protocols the model answers, its favourite first."""
    metadata = model.metadata
    named = tuple(metadata.get("protocols") or (metadata["protocol"],))
    return (*named, "query") if model.service_name == "sqs" and "query" not in named else named


def members_of(shape: Shape | None) -> dict[str, Shape]:
    """The members of a structure, or of nothing."""
    return dict(shape.members) if shape is not None else {}


def location_of(shape: Shape) -> str | None:
    """Where HTTP carries this member: `uri`, `querystring`, `header`, `headers`, `statusCode`, or None: the body."""
    location: str | None = shape.serialization.get("location")
    return location


def wire_name(shape: Shape, default: str) -> str:
    """The name on the wire of a member that the model calls `default`."""
    name: str = shape.serialization.get("name", default)
    return name


def body_members(shape: Shape | None) -> dict[str, Shape]:
    """The members that no other place of the HTTP message carries."""
    return {name: member for name, member in members_of(shape).items() if location_of(member) is None}


def event_stream_name(operation: OperationModel) -> str | None:
    """The output member that is an event stream, if there is one."""
    output = operation.output_shape
    return output.event_stream_name if output is not None else None
