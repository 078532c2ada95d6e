"""What WebSocket APIs have and take, where it differs from HTTP APIs. Pure.

Source: botocore's model `apigatewayv2`; API Gateway Developer Guide, "Create and manage WebSocket APIs in API Gateway",
"Set up a WebSocket API integration request" and "Quotas for configuring and running a WebSocket API" (29 s).
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from lambent.mapping.regexes import BadRegex, compiled
from lambent.mapping.vtl.parser import parse
from lambent.mapping.vtl.scope import TemplateFailed
from lambent.model.selection import selector_of
from lambent.model.websocket_mapping import problem
from lambent.services.apigatewayv2.errors import BadRequest
from lambent.services.apigatewayv2.model import DEFAULT, Authorizer, Integration, IntegrationResponse, Route
from lambent.services.apigatewayv2.refusing import refuse
from lambent.services.apigatewayv2.targets import is_url, names_function

WEBSOCKET = "WEBSOCKET"
CONNECT, DISCONNECT = "$connect", "$disconnect"
STATUS_KEY = re.compile(r"/[^/]{1,100}/|[0-9]{3}")
KEY = re.compile(r"[^\s$][^\x00-\x1f]{0,127}")
IDENTITY = re.compile(
    r"route\.request\.(header|querystring)\.[A-Za-z0-9_-]+|stageVariables\.[A-Za-z0-9_]+|context\.[A-Za-z0-9]+"
)
METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
LONGEST_MS = 29_000
RESPONSE_SELECTION = "${integration.response.statuscode}"
API_KEY_SELECTION = "$request.header.x-api-key"
HTTP_ONLY = ("CorsConfiguration", "Target", "RouteKey", "CredentialsArn")
NOT_OF_ROUTES = (
    "ApiKeyRequired",
    "AuthorizationScopes",
    "ModelSelectionExpression",
    "RequestModels",
    "RequestParameters",
)
NOT_OF_INTEGRATIONS = (
    "ConnectionId",
    "CredentialsArn",
    "IntegrationSubtype",
    "ResponseParameters",
)


def check_api(request: Mapping[str, Any]) -> None:
    """Raises BadRequest."""
    for name in HTTP_ONLY:
        if request.get(name):
            refuse(name, "for WebSocket APIs")
    if request.get("DisableSchemaValidation"):
        refuse("DisableSchemaValidation", "by this version of Lambent", "It has no models, and validates nothing.")
    if request.get("ApiKeySelectionExpression", API_KEY_SELECTION) != API_KEY_SELECTION:
        refuse("ApiKeySelectionExpression", "by this version of Lambent")
    expression = request.get("RouteSelectionExpression")
    if expression is not None:
        try:
            selector_of(expression)
        except ValueError as error:
            raise BadRequest(f"Invalid RouteSelectionExpression: {error}.") from None


def check_new_api(request: Mapping[str, Any]) -> None:
    """Raises BadRequest."""
    check_api(request)
    if not request.get("RouteSelectionExpression"):
        raise BadRequest("RouteSelectionExpression is required for an API of ProtocolType WEBSOCKET.")


def check_route(route: Route, request: Mapping[str, Any]) -> None:
    """Raises BadRequest."""
    for name in NOT_OF_ROUTES:
        if request.get(name):
            refuse(f"{name} of a route", "by this version of Lambent")
    key = route.route_key
    if key not in (CONNECT, DISCONNECT, DEFAULT) and not KEY.fullmatch(key):
        raise BadRequest(
            f"The provided route key {key!r} is not formatted properly for WebSocket protocol. "
            "It is $connect, $disconnect, $default, or a text that does not begin with $."
        )
    if route.authorization_type != "NONE" and key != CONNECT:
        raise BadRequest("Only the $connect route of a WebSocket API can have an authorizer.")
    if route.authorization_type == "JWT":
        raise BadRequest("AuthorizationType of a WebSocket API is NONE, AWS_IAM or CUSTOM.")
    if route.route_response_selection_expression not in (None, DEFAULT):
        raise BadRequest("RouteResponseSelectionExpression of a WebSocket route is $default.")
    if route.route_response_selection_expression and key == DISCONNECT:
        raise BadRequest("Nobody is there to hear what $disconnect answers: it takes no route response.")


def check_authorizer(wanted: Authorizer) -> None:
    """Raises BadRequest."""
    if wanted.authorizer_type != "REQUEST":
        raise BadRequest("AuthorizerType of a WebSocket API is REQUEST.")
    for name, value in (
        ("JwtConfiguration", wanted.jwt_configuration),
        ("AuthorizerPayloadFormatVersion", wanted.authorizer_payload_format_version),
        ("AuthorizerResultTtlInSeconds", wanted.authorizer_result_ttl_in_seconds),
        ("EnableSimpleResponses", wanted.enable_simple_responses),
    ):
        if value:
            refuse(name, "for WebSocket APIs")
    for source in wanted.identity_source:
        if not IDENTITY.fullmatch(source):
            raise BadRequest(f"Identity source {source!r} is not legal; one is route.request.header.Auth.")
    if not wanted.authorizer_uri or not names_function(wanted.authorizer_uri):
        raise BadRequest(f"Invalid authorizer URI: {wanted.authorizer_uri!r}")


def checked(wanted: Integration, request: Mapping[str, Any]) -> Integration:
    """The integration, complete. Raises BadRequest."""
    for name in NOT_OF_INTEGRATIONS:
        if request.get(name):
            refuse(f"{name} of a WebSocket integration", "by this version of Lambent")
    if wanted.connection_type != "INTERNET":
        refuse("ConnectionType VPC_LINK", "by this version of Lambent")
    if request.get("TimeoutInMillis") is None and wanted.timeout_in_millis > LONGEST_MS:
        wanted = msgspec.structs.replace(wanted, timeout_in_millis=LONGEST_MS)
    if wanted.timeout_in_millis > LONGEST_MS:
        raise BadRequest(f"TimeoutInMillis of a WebSocket integration is at most {LONGEST_MS}.")
    if wanted.payload_format_version != "1.0":
        raise BadRequest("PayloadFormatVersion of a WebSocket integration is 1.0.")
    if wanted.passthrough_behavior not in (None, "WHEN_NO_MATCH"):
        refuse(f"PassthroughBehavior {wanted.passthrough_behavior}", "by this version of Lambent for WebSocket APIs")
    if wanted.content_handling_strategy not in (None, "CONVERT_TO_TEXT"):
        refuse("ContentHandlingStrategy CONVERT_TO_BINARY", "by this version of Lambent")
    wanted = msgspec.structs.replace(wanted, integration_response_selection_expression=RESPONSE_SELECTION)
    if wanted.integration_type == "MOCK":
        _check_mock(wanted)
    if wanted.integration_type == "HTTP_PROXY":
        return _proxy(wanted)
    if wanted.request_parameters or wanted.tls_config is not None:
        refuse("RequestParameters and TlsConfig", f"for {wanted.integration_type} integrations of WebSocket APIs")
    return wanted if wanted.integration_type == "MOCK" else _function(wanted)


def _proxy(wanted: Integration) -> Integration:
    if not is_url(wanted.integration_uri or ""):
        raise BadRequest("IntegrationUri of an HTTP_PROXY integration is a URL that begins with http:// or https://.")
    if wanted.integration_method not in METHODS:
        raise BadRequest("IntegrationMethod of an HTTP_PROXY integration of a WebSocket API is an HTTP method.")
    if wanted.request_templates or wanted.template_selection_expression:
        refuse("RequestTemplates", "for proxy integrations")
    if found := problem(wanted.request_parameters or {}):
        raise BadRequest(f"Invalid mapping expression specified: {found}.")
    return wanted


def _function(wanted: Integration) -> Integration:
    if wanted.integration_type != "AWS_PROXY":
        refuse(f"IntegrationType {wanted.integration_type}", "by this version of Lambent for WebSocket APIs")
    if wanted.request_templates or wanted.template_selection_expression:
        refuse("RequestTemplates", "for proxy integrations")
    if not wanted.integration_uri or not names_function(wanted.integration_uri):
        raise BadRequest(f"Invalid function ARN or invalid uri: {wanted.integration_uri!r}")
    if (wanted.integration_method or "POST") != "POST":
        raise BadRequest("IntegrationMethod of a Lambda proxy integration is POST.")
    return msgspec.structs.replace(wanted, integration_method="POST")


def _check_mock(wanted: Integration) -> None:
    """Raises BadRequest."""
    if not wanted.request_templates:
        raise BadRequest('A MOCK integration needs RequestTemplates; one is {"200": "{\\"statusCode\\": 200}"}.')
    _check_templates(wanted.request_templates)
    expression = (wanted.template_selection_expression or "").replace("\\$", "$")
    if "$" in expression and expression != DEFAULT:
        try:
            selector_of(expression)
        except ValueError as error:
            raise BadRequest(f"Invalid TemplateSelectionExpression: {error}.") from None


def check_integration_response(
    integration: Integration, wanted: IntegrationResponse, request: Mapping[str, Any]
) -> None:
    """Raises BadRequest."""
    if integration.integration_type != "MOCK":
        raise BadRequest(f"Integrations of type {integration.integration_type} have no integration responses.")
    for name in ("ContentHandlingStrategy", "ResponseParameters"):
        if request.get(name):
            refuse(f"{name} of an integration response", "by this version of Lambent")
    key = wanted.integration_response_key
    if key != DEFAULT:
        if not STATUS_KEY.fullmatch(key):
            raise BadRequest(f"IntegrationResponseKey {key!r} is neither $default nor a regular expression in slashes.")
        try:
            compiled(key.strip("/"))
        except BadRegex as error:
            raise BadRequest(f"IntegrationResponseKey {key!r} cannot be read: {error}") from None
    _check_templates(wanted.response_templates or {})
    selection = (wanted.template_selection_expression or "").replace("\\$", "$")
    if "$" in selection and selection != DEFAULT:
        refuse("A TemplateSelectionExpression that is more than a key", "by this version of Lambent for responses")


def _check_templates(templates: Mapping[str, str]) -> None:
    for key, template in templates.items():
        try:
            parse(template)
        except TemplateFailed as error:
            raise BadRequest(f"Invalid mapping template for {key}: {error}") from None
