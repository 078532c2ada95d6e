"""From records to what edges serve. Pure but for reading.

What cannot be resolved (a stage variable that is not there, an integration that was deleted) becomes a route without
a target: its requests fail, as in AWS, and those of the other routes do not. A route whose authorizer is not there
has no target either: it must not be open.
"""

from lambent.mapping.uris import filled, function_of
from lambent.model.apis import (
    AccessLog,
    CompiledApi,
    FunctionAuthorizer,
    FunctionTarget,
    HttpApi,
    HttpRoute,
    HttpStage,
    HttpTarget,
    IamAuthorizer,
    JwtAuthorizer,
    PayloadFormat,
)
from lambent.model.cors import Cors
from lambent.services.apigatewayv2 import model, store
from lambent.services.apigatewayv2.model import Api, Authorizer, Deployed, Deployment, Integration, Stage
from lambent.services.apigatewayv2.throttling import has_metrics, throttle_of
from lambent.services.apigatewayv2.websocket import WEBSOCKET
from lambent.services.apigatewayv2.websocket_compiling import compiled_websocket
from lambent.store.api import Transaction

CACHE_S = 300


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
    content = Deployed((), ()) if deployment is None else deployment.content
    routes = Routes(content, stage)
    logged = stage.access_log_settings
    return HttpStage(
        stage.stage_name,
        stage.deployment_id or "",
        stage.stage_variables,
        tuple(routes.compiled(route) for route in content.routes),
        cors_of(content.cors),
        None if logged is None else AccessLog(logged.destination_arn, logged.format),
    )


class Routes:
    """The routes of one stage, with what they refer to."""

    def __init__(self, content: Deployed, stage: Stage) -> None:
        self._stage = stage
        self._integrations = {each.integration_id: each for each in content.integrations}
        self._authorizers = {each.authorizer_id: each for each in content.authorizers}

    def compiled(self, route: model.Route) -> HttpRoute:
        """One route as it is served."""
        integration = self._integrations.get((route.target or "").removeprefix("integrations/"))
        authorizer = self._authorizer(route)
        if integration is None or (authorizer is None and route.authorization_type != "NONE"):
            return HttpRoute(route.route_key)
        return HttpRoute(
            route.route_key,
            self._target(integration),
            authorizer,
            throttle_of(self._stage, route.route_key),
            integration.request_parameters or {},
            integration.response_parameters or {},
            has_metrics(self._stage, route.route_key),
        )

    def _target(self, integration: Integration) -> FunctionTarget | HttpTarget | None:
        variables, uri = self._stage.stage_variables, integration.integration_uri or ""
        if integration.integration_type == "HTTP_PROXY":
            tls = integration.tls_config
            return HttpTarget(
                filled(uri, variables),
                integration.integration_method or "ANY",
                integration.timeout_in_millis,
                "" if tls is None else tls.server_name_to_verify or "",
            )
        found = function_of(uri, variables)
        if found is None:
            return None
        return FunctionTarget(*found, _format(integration.payload_format_version), integration.timeout_in_millis)

    def _authorizer(self, route: model.Route) -> IamAuthorizer | JwtAuthorizer | FunctionAuthorizer | None:
        if route.authorization_type == "AWS_IAM":
            return IamAuthorizer()
        wanted = self._authorizers.get(route.authorizer_id or "")
        if wanted is None or route.authorization_type == "NONE":
            return None
        if wanted.jwt_configuration is not None:
            jwt = wanted.jwt_configuration
            scopes = route.authorization_scopes or ()
            return JwtAuthorizer(wanted.authorizer_id, jwt.issuer, jwt.audience, wanted.identity_source[0], scopes)
        return self._function_authorizer(wanted)

    def _function_authorizer(self, wanted: Authorizer) -> FunctionAuthorizer | None:
        found = function_of(wanted.authorizer_uri or "", self._stage.stage_variables)
        if found is None:
            return None
        ttl_s = wanted.authorizer_result_ttl_in_seconds
        return FunctionAuthorizer(
            wanted.authorizer_id,
            *found,
            _format(wanted.authorizer_payload_format_version),
            bool(wanted.enable_simple_responses),
            wanted.identity_source,
            (CACHE_S if ttl_s is None else ttl_s) if wanted.identity_source else 0,
        )


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


def _format(version: str | None) -> PayloadFormat:
    return "2.0" if version == "2.0" else "1.0"
