"""The records of API Gateway v2. Their fields are the members of botocore's shapes: a record is its own answer.

An Api owns parts: routes, integrations, stages, deployments. A part has an id, and a name that no other part of its
kind in the API has. Dates are epoch milliseconds. What is None was not said.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, TypeVar

import msgspec
from msgspec import Struct

DATES = {"CreatedDate", "LastUpdatedDate"}
DEFAULT = "$default"
S = TypeVar("S", bound=Struct)


class Cors(Struct, frozen=True, rename="pascal"):
    """CorsConfiguration."""

    allow_credentials: bool | None = None
    allow_headers: tuple[str, ...] | None = None
    allow_methods: tuple[str, ...] | None = None
    allow_origins: tuple[str, ...] | None = None
    expose_headers: tuple[str, ...] | None = None
    max_age: int | None = None


class Api(Struct, frozen=True, rename="pascal"):
    """An API."""

    api_id: str
    name: str
    protocol_type: str
    created_date: int
    route_selection_expression: str
    api_key_selection_expression: str = "$request.header.x-api-key"
    disable_execute_api_endpoint: bool = False
    ip_address_type: str = "ipv4"
    description: str | None = None
    version: str | None = None
    cors_configuration: Cors | None = None


class Part(Struct, frozen=True, rename="pascal"):
    """What belongs to an API. `kind` is AWS's word in messages."""

    kind: ClassVar[str]

    @property
    def part_id(self) -> str:
        raise NotImplementedError

    @property
    def name(self) -> str:
        return self.part_id


class Route(Part, frozen=True):
    """`target` is `integrations/ID`."""

    kind: ClassVar[str] = "Route"
    route_id: str
    route_key: str
    api_key_required: bool = False
    authorization_type: str = "NONE"
    api_gateway_managed: bool | None = None
    authorization_scopes: tuple[str, ...] | None = None
    authorizer_id: str | None = None
    operation_name: str | None = None
    target: str | None = None
    route_response_selection_expression: str | None = None

    @property
    def part_id(self) -> str:
        return self.route_id

    @property
    def name(self) -> str:
        return self.route_key


class TlsConfig(Struct, frozen=True, rename="pascal"):
    """TlsConfig of an integration."""

    server_name_to_verify: str | None = None


class Integration(Part, frozen=True):
    """What answers a route."""

    kind: ClassVar[str] = "Integration"
    integration_id: str
    integration_type: str
    connection_type: str = "INTERNET"
    timeout_in_millis: int = 30_000
    payload_format_version: str = "1.0"
    integration_uri: str | None = None
    integration_method: str | None = None
    request_parameters: Mapping[str, str] | None = None
    response_parameters: Mapping[str, Mapping[str, str]] | None = None
    tls_config: TlsConfig | None = None
    api_gateway_managed: bool | None = None
    description: str | None = None
    request_templates: Mapping[str, str] | None = None
    template_selection_expression: str | None = None
    passthrough_behavior: str | None = None
    content_handling_strategy: str | None = None
    integration_response_selection_expression: str | None = None

    @property
    def part_id(self) -> str:
        return self.integration_id


class IntegrationResponse(Part, frozen=True):
    """What a MOCK integration of a WebSocket API says."""

    kind: ClassVar[str] = "IntegrationResponse"
    integration_response_id: str
    integration_id: str
    integration_response_key: str
    response_templates: Mapping[str, str] | None = None
    template_selection_expression: str | None = None

    @property
    def part_id(self) -> str:
        return self.integration_response_id

    @property
    def name(self) -> str:
        return f"{self.integration_id}/{self.integration_response_key}"


class RouteResponse(Part, frozen=True):
    """What makes a route of a WebSocket API answer."""

    kind: ClassVar[str] = "RouteResponse"
    route_response_id: str
    route_id: str
    route_response_key: str

    @property
    def part_id(self) -> str:
        return self.route_response_id

    @property
    def name(self) -> str:
        return f"{self.route_id}/{self.route_response_key}"


class JwtConfiguration(Struct, frozen=True, rename="pascal"):
    """JWTConfiguration."""

    issuer: str
    audience: tuple[str, ...]


class Authorizer(Part, frozen=True):
    """Who decides who may call routes."""

    kind: ClassVar[str] = "Authorizer"
    authorizer_id: str
    name: str
    authorizer_type: str
    identity_source: tuple[str, ...]
    jwt_configuration: JwtConfiguration | None = None
    authorizer_uri: str | None = None
    authorizer_payload_format_version: str | None = None
    authorizer_result_ttl_in_seconds: int | None = None
    enable_simple_responses: bool | None = None

    @property
    def part_id(self) -> str:
        return self.authorizer_id


class AccessLogSettings(Struct, frozen=True, rename="pascal"):
    """AccessLogSettings of a stage."""

    destination_arn: str
    format: str


class RouteSettings(Struct, frozen=True, rename="pascal"):
    """RouteSettings of a stage, or the stage's defaults."""

    detailed_metrics_enabled: bool | None = None
    throttling_burst_limit: int | None = None
    throttling_rate_limit: float | None = None


class Stage(Part, frozen=True):
    """A stage; what it serves is its deployment."""

    kind: ClassVar[str] = "stage"
    stage_name: str
    created_date: int
    last_updated_date: int
    auto_deploy: bool | None = None
    stage_variables: Mapping[str, str] = {}
    default_route_settings: RouteSettings = RouteSettings(detailed_metrics_enabled=False)
    route_settings: Mapping[str, RouteSettings] = {}
    access_log_settings: AccessLogSettings | None = None
    api_gateway_managed: bool | None = None
    deployment_id: str | None = None
    description: str | None = None
    last_deployment_status_message: str | None = None

    @property
    def part_id(self) -> str:
        return self.stage_name


class Deployed(Struct, frozen=True):
    """What a deployment has of its API, as it was then."""

    routes: tuple[Route, ...]
    integrations: tuple[Integration, ...]
    authorizers: tuple[Authorizer, ...] = ()
    cors: Cors | None = None
    route_responses: tuple[RouteResponse, ...] = ()
    integration_responses: tuple[IntegrationResponse, ...] = ()


class Deployment(Part, frozen=True):
    """An API as it was at some time."""

    kind: ClassVar[str] = "deployment"
    deployment_id: str
    created_date: int
    content: Deployed
    auto_deployed: bool = False
    deployment_status: str = "DEPLOYED"
    description: str | None = None

    @property
    def part_id(self) -> str:
        return self.deployment_id


class DomainName(Struct, frozen=True):
    """A custom domain name. `target_id` begins the name that DNS is to lead it to."""

    domain_name: str
    target_id: str


def shown(record: Struct) -> dict[str, Any]:
    """The record as the model's shape has it, without what is None."""
    members: dict[str, Any] = msgspec.to_builtins(record)
    members.pop("Content", None)
    return {name: _shown(name, value) for name, value in members.items() if value is not None}


def _shown(name: str, value: Any) -> Any:
    if name in DATES:
        return datetime.fromtimestamp(value / 1000, UTC)
    if isinstance(value, dict):
        return {key: _shown("", each) for key, each in value.items() if each is not None}
    return value


def edited(record: S, members: Mapping[str, Any]) -> S:
    """The record with these members of a request in place of its own."""
    return msgspec.convert({**msgspec.to_builtins(record), **members}, type(record))


def merged(record: Struct, members: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Members of an update, those of `names` with the entries that the record has and the update does not name. An
    empty entry takes its name away, which is how Terraform removes one."""
    present = msgspec.to_builtins(record)
    whole = {
        name: {key: value for key, value in {**(present[name] or {}), **members[name]}.items() if value not in ("", {})}
        for name in names
        if name in members
    }
    return {**members, **whole}


def given(request: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """The members of a request that it has, of these."""
    return {name: request[name] for name in names if request.get(name) is not None}
