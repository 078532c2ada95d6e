"""A REST API as its owner made it, and as edges serve it.

Each part of a RestDocument is a map in the shape of AWS's own model (`Method`, `Integration`, ...): PATCH and export
are defined over these shapes, and an answer shows them, so a second form would only be a second truth.
`services.apigateway` owns documents; a deployment is a copy of one, and edges get what was deployed.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from lambent.model.http import HttpRequest, HttpResponse

Part = dict[str, Any]


class RestDocument(Struct):
    """One API: `api` is its RestApi; the others by id, by name, or by response type.

    A resource has its methods in `resourceMethods`, a method its responses and its integration, as AWS shows them."""

    api: Part
    resources: dict[str, Part] = {}
    models: dict[str, Part] = {}
    validators: dict[str, Part] = {}
    authorizers: dict[str, Part] = {}
    responses: dict[str, Part] = {}


class Canary(Struct, frozen=True):
    """What a share of a stage's requests meets instead."""

    deployment_id: str
    percent: float
    document: RestDocument
    variables: Mapping[str, str] = {}


class RestStage(Struct, frozen=True):
    """A stage, with what was deployed to it. `settings` by `resource/METHOD` as MethodSetting; `log` is the ARN and
    the format of access logs."""

    name: str
    deployment_id: str
    document: RestDocument
    variables: Mapping[str, str] = {}
    settings: Mapping[str, Part] = {}
    canary: Canary | None = None
    log: tuple[str, str] | None = None
    authorizers_flushed_ms: int = 0


class RestApi(Struct, frozen=True, tag="REST"):
    """A REST API with its stages."""

    api_id: str
    account: str
    region: str
    stages: Mapping[str, RestStage]


class KeyUse(Struct, frozen=True):
    """A request that wants to count against a usage plan: which API, stage and method, and the key it came with."""

    account: str
    region: str
    api_id: str
    stage: str
    method: str
    value: str


class KeyVerdict(Struct, frozen=True):
    """What became of it: `refusal` is "" or a gateway response type such as INVALID_API_KEY."""

    refusal: str
    key_id: str = ""
    plan_id: str = ""


class ServiceCall(Struct, frozen=True):
    """A request to another service, as a role of the API's account; `source_arn` is the method that makes it."""

    role_arn: str
    source_arn: str
    service: str
    region: str
    request: HttpRequest
    request_id: str


class RestTrial(Struct, frozen=True):
    """One method to be run as its owner has it now, or with `authorizer_id` an authorizer to be asked; `api` has it as
    the one stage `test-invoke-stage`."""

    api: RestApi
    resource_id: str
    method: str
    request: HttpRequest
    request_id: str
    authorizer_id: str = ""


class Permission(Struct, frozen=True):
    """What an authorizer says: who calls, and the policy for it as JSON."""

    principal_id: str
    policy: str


class TrialOutcome(Struct, frozen=True):
    """What came of it, and what happened on the way."""

    response: HttpResponse
    log: str
    latency_ms: int
    permission: Permission | None = None
