"""APIs of API Gateway as the data plane sees them: for each kind, what its stages serve.

The services own the configuration and make these values (`api` of model/messages.py); edges cache them, and
control invalidates the copies before it acknowledges a change. A stage has what was deployed to it, with the
stage's own variables and settings; no reader looks anything up in another place.

Each kind is a tagged Struct with `api_id`, `account`, `region` and `stages` (by name), a member of `CompiledApi`.
"""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from lambent.model.cors import Cors
from lambent.model.function import FunctionKey
from lambent.model.rest_api import RestApi

PayloadFormat = Literal["1.0", "2.0"]
PRINCIPAL = "apigateway.amazonaws.com"
"""What a function's resource policy has to let in."""


class FunctionTarget(Struct, frozen=True, tag="function"):
    """A route that a function answers."""

    function: FunctionKey
    qualifier: str
    payload_format: PayloadFormat
    timeout_ms: int


class HttpTarget(Struct, frozen=True, tag="http"):
    """A route that another server answers. `method` ANY is the request's own; `url` may have `{name}` of the path."""

    url: str
    method: str
    timeout_ms: int
    server_name: str = ""


class Throttle(Struct, frozen=True):
    """So many requests a second, and so many at once that were saved up."""

    rate: float
    burst: int


class AccessLog(Struct, frozen=True):
    """Where a line for each request goes; `format` has `$context.NAME`."""

    group_arn: str
    format: str


class IamAuthorizer(Struct, frozen=True, tag="iam"):
    """Requests are signed, by an identity of the API's account."""


class JwtAuthorizer(Struct, frozen=True, tag="jwt"):
    """Requests bring a token of this issuer, made for one of `audience`; with `scopes`, one of them is in it."""

    authorizer_id: str
    issuer: str
    audience: tuple[str, ...]
    source: str
    scopes: tuple[str, ...] = ()


class FunctionAuthorizer(Struct, frozen=True, tag="function"):
    """A function says who may come in. `ttl_s` 0: it is asked each time."""

    authorizer_id: str
    function: FunctionKey
    qualifier: str
    payload_format: PayloadFormat
    simple: bool
    sources: tuple[str, ...] = ()
    ttl_s: int = 0


class HttpRoute(Struct, frozen=True):
    """`key` is `METHOD /path`, or `$default`. Without a `target` every request fails.

    `request_parameters` and `response_parameters` (by status) say what is changed on the way there and back.
    """

    key: str
    target: FunctionTarget | HttpTarget | None = None
    authorizer: IamAuthorizer | JwtAuthorizer | FunctionAuthorizer | None = None
    throttle: Throttle | None = None
    request_parameters: Mapping[str, str] = {}
    response_parameters: Mapping[str, Mapping[str, str]] = {}
    detailed_metrics: bool = False


class HttpStage(Struct, frozen=True):
    """A stage of an HTTP API, with what was deployed to it."""

    name: str
    deployment_id: str = ""
    variables: Mapping[str, str] = {}
    routes: tuple[HttpRoute, ...] = ()
    cors: Cors | None = None
    access_log: AccessLog | None = None


class HttpApi(Struct, frozen=True, tag="HTTP"):
    """An HTTP API. `closed`: its own address is switched off, only custom domain names lead to it."""

    api_id: str
    account: str
    region: str
    stages: Mapping[str, HttpStage]
    closed: bool = False


class MockResponse(Struct, frozen=True):
    """What a mock says for a status that `key` matches; `selection` names one of the templates."""

    key: str
    templates: Mapping[str, str] = {}
    selection: str = ""


class MockTarget(Struct, frozen=True, tag="mock"):
    """A route that the platform answers itself: the status comes of the template that `selection` chooses."""

    templates: Mapping[str, str]
    selection: str = ""
    responses: tuple[MockResponse, ...] = ()


class WebSocketAuthorizer(Struct, frozen=True):
    """A Lambda authorizer of $connect. Without a `target` it fails. `sources` have to be there."""

    authorizer_id: str
    target: FunctionTarget | None
    sources: tuple[str, ...] = ()


class WebSocketRoute(Struct, frozen=True):
    """`key` is `$connect`, `$disconnect`, `$default` or what messages ask for.

    Without a `target` every message fails. `answers`: what the integration says goes back to the client. `signed` and
    `authorizer` are of $connect only. `request_parameters` are what another server is told beside the message.
    """

    key: str
    target: FunctionTarget | HttpTarget | MockTarget | None = None
    answers: bool = False
    signed: bool = False
    authorizer: WebSocketAuthorizer | None = None
    throttle: Throttle | None = None
    request_parameters: Mapping[str, str] = {}


class WebSocketStage(Struct, frozen=True):
    """A stage of a WebSocket API, with what was deployed to it; routes by their keys."""

    name: str
    deployment_id: str = ""
    variables: Mapping[str, str] = {}
    routes: Mapping[str, WebSocketRoute] = {}
    access_log: AccessLog | None = None


class WebSocketApi(Struct, frozen=True, tag="WEBSOCKET"):
    """A WebSocket API. `selection` is its route selection expression; `closed` as of an HTTP API."""

    api_id: str
    account: str
    region: str
    selection: str
    stages: Mapping[str, WebSocketStage]
    closed: bool = False


CompiledApi = HttpApi | WebSocketApi | RestApi


class DomainMapping(Struct, frozen=True):
    """Paths below `key` of a custom domain name lead to a stage; "" is all that no other key has."""

    key: str
    api_id: str
    stage: str


def execute_api_arn(api: CompiledApi, *parts: str) -> str:
    """What policies call a route (stage, then `METHOD/path` or `$default`) or an authorizer of an API."""
    return f"arn:aws:execute-api:{api.region}:{api.account}:{api.api_id}/{'/'.join(parts)}"


def api_host(api_id: str, region: str) -> str:
    """The beginning of the host name of an API; what follows is the domain of the installation."""
    return f"{api_id}.execute-api.{region}"
