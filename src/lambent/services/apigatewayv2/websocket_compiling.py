"""From the records of a WebSocket API to what edges serve. Pure but for reading; see compiling.py."""

from lambent.mapping.uris import filled, function_of
from lambent.model.apis import (
    AccessLog,
    FunctionTarget,
    HttpTarget,
    MockResponse,
    MockTarget,
    WebSocketApi,
    WebSocketAuthorizer,
    WebSocketRoute,
    WebSocketStage,
)
from lambent.services.apigatewayv2 import store
from lambent.services.apigatewayv2.model import Api, Deployed, Deployment, Integration, Route, Stage
from lambent.services.apigatewayv2.throttling import throttle_of
from lambent.store.api import Transaction

AUTHORIZER_MS = 10_000  # API Gateway Developer Guide, the quotas of authorizers


def compiled_websocket(tx: Transaction, api: Api, account: str, region: str) -> WebSocketApi:
    """The API as it is served."""
    stages = {stage.stage_name: _stage(tx, api, stage) for stage in store.parts(tx, api.api_id, Stage)}
    closed = api.disable_execute_api_endpoint
    return WebSocketApi(api.api_id, account, region, api.route_selection_expression, stages, closed)


def _stage(tx: Transaction, api: Api, stage: Stage) -> WebSocketStage:
    deployment = store.find_part(tx, api.api_id, Deployment, stage.deployment_id) if stage.deployment_id else None
    if deployment is None:
        return WebSocketStage(stage.stage_name, variables=stage.stage_variables)
    routes = {route.route_key: _route(route, deployment.content, stage) for route in deployment.content.routes}
    logged = stage.access_log_settings
    log = None if logged is None else AccessLog(logged.destination_arn, logged.format)
    return WebSocketStage(stage.stage_name, deployment.deployment_id, stage.stage_variables, routes, log)


def _route(route: Route, content: Deployed, stage: Stage) -> WebSocketRoute:
    wanted = (route.target or "").removeprefix("integrations/")
    integration = next((each for each in content.integrations if each.integration_id == wanted), None)
    two_way = any(each.route_id == route.route_id for each in content.route_responses)
    return WebSocketRoute(
        route.route_key,
        None if integration is None else _target(integration, content, stage),
        answers=two_way and route.route_response_selection_expression is not None,
        signed=route.authorization_type == "AWS_IAM",
        authorizer=_authorizer(route, content, stage) if route.authorization_type == "CUSTOM" else None,
        throttle=throttle_of(stage, route.route_key),
        request_parameters=(integration and integration.request_parameters) or {},
    )


def _authorizer(route: Route, content: Deployed, stage: Stage) -> WebSocketAuthorizer:
    wanted = next((each for each in content.authorizers if each.authorizer_id == route.authorizer_id), None)
    found = None if wanted is None else function_of(wanted.authorizer_uri or "", stage.stage_variables)
    if wanted is None or found is None:
        return WebSocketAuthorizer(route.authorizer_id or "", None)
    target = FunctionTarget(*found, "1.0", AUTHORIZER_MS)
    return WebSocketAuthorizer(wanted.authorizer_id, target, wanted.identity_source)


def _target(
    integration: Integration, content: Deployed, stage: Stage
) -> FunctionTarget | HttpTarget | MockTarget | None:
    if integration.integration_type == "MOCK":
        said = (each for each in content.integration_responses if each.integration_id == integration.integration_id)
        return MockTarget(
            integration.request_templates or {},
            integration.template_selection_expression or "",
            tuple(
                MockResponse(
                    each.integration_response_key,
                    each.response_templates or {},
                    each.template_selection_expression or "",
                )
                for each in said
            ),
        )
    if integration.integration_type == "HTTP_PROXY":
        url, tls = filled(integration.integration_uri or "", stage.stage_variables), integration.tls_config
        server_name = "" if tls is None else tls.server_name_to_verify or ""
        return HttpTarget(url, integration.integration_method or "POST", integration.timeout_in_millis, server_name)
    found = function_of(integration.integration_uri or "", stage.stage_variables)
    return None if found is None else FunctionTarget(*found, "1.0", integration.timeout_in_millis)
