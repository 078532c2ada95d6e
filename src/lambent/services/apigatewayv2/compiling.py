"""From records to what edges serve. Pure but for reading.

What cannot be resolved (a stage variable that is not there, an integration that was deleted) becomes a route without
a target: its requests fail, as in AWS, and those of the other routes do not.
"""

from lambent.model.apis import CompiledApi, FunctionTarget, HttpApi, HttpRoute, HttpStage
from lambent.model.cors import Cors
from lambent.services.apigatewayv2 import model, store
from lambent.services.apigatewayv2.model import Api, Deployment, Integration, Stage
from lambent.services.apigatewayv2.targets import function_of
from lambent.services.apigatewayv2.websocket import WEBSOCKET
from lambent.services.apigatewayv2.websocket_compiling import compiled_websocket
from lambent.store.api import Transaction


def compiled(tx: Transaction, api_id: str) -> CompiledApi | None:
    """The API as it is served; None when there is none."""
    found = store.api_anywhere(tx, api_id)
    if found is None:
        return None
    api, account, region = found
    if api.protocol_type == WEBSOCKET:
        return compiled_websocket(tx, api, account, region)
    stages = [_stage(tx, api, stage) for stage in store.parts(tx, api_id, Stage)]
    by_name = {stage.name: stage for stage in stages}
    return HttpApi(api_id, account, region, by_name, api.disable_execute_api_endpoint)


def _stage(tx: Transaction, api: Api, stage: Stage) -> HttpStage:
    deployment = store.find_part(tx, api.api_id, Deployment, stage.deployment_id) if stage.deployment_id else None
    if deployment is None:
        return HttpStage(stage.stage_name, variables=stage.stage_variables)
    content = deployment.content
    integrations = {each.integration_id: each for each in content.integrations}
    return HttpStage(
        stage.stage_name,
        deployment.deployment_id,
        stage.stage_variables,
        tuple(_route(route, integrations, stage) for route in content.routes),
        cors_of(content.cors),
    )


def _route(route: model.Route, integrations: dict[str, Integration], stage: Stage) -> HttpRoute:
    integration = integrations.get((route.target or "").removeprefix("integrations/"))
    return HttpRoute(route.route_key, None if integration is None else _target(integration, stage))


def _target(integration: Integration, stage: Stage) -> FunctionTarget | None:
    found = function_of(integration.integration_uri or "", stage.stage_variables)
    if found is None:
        return None
    payload_format = "2.0" if integration.payload_format_version == "2.0" else "1.0"
    return FunctionTarget(*found, payload_format, integration.timeout_in_millis)  # type: ignore[arg-type]


def cors_of(cors: model.Cors | None) -> Cors | None:
    """What browsers are told; None for nothing."""
    if cors is None:
        return None
    return Cors(
        bool(cors.allow_credentials),
        cors.allow_headers or (),
        cors.allow_methods or (),
        cors.allow_origins or (),
        cors.expose_headers or (),
        cors.max_age,
    )
