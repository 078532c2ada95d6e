"""Integrations: what answers routes. CreateIntegration and its kind.

Source: botocore's model `apigatewayv2`; API Gateway Developer Guide, "Create integrations for HTTP APIs".
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from lambent.model.parameter_mapping import STATUS, problem
from lambent.services.apigatewayv2 import store
from lambent.services.apigatewayv2.api import Resources
from lambent.services.apigatewayv2.deploying import changed
from lambent.services.apigatewayv2.errors import BadRequest, Conflict
from lambent.services.apigatewayv2.model import Integration, IntegrationResponse, Route, edited, given, merged, shown
from lambent.services.apigatewayv2.pages import page
from lambent.services.apigatewayv2.refusing import refuse
from lambent.services.apigatewayv2.room import check_parts
from lambent.services.apigatewayv2.targets import is_url, names_function
from lambent.services.apigatewayv2.websocket import WEBSOCKET
from lambent.services.apigatewayv2.websocket import checked as checked_websocket
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.store.api import Transaction

ID_LENGTH = 7
MEMBERS = (
    "IntegrationType",
    "ConnectionType",
    "TimeoutInMillis",
    "PayloadFormatVersion",
    "IntegrationUri",
    "IntegrationMethod",
    "Description",
    "RequestTemplates",
    "TemplateSelectionExpression",
    "PassthroughBehavior",
    "ContentHandlingStrategy",
    "RequestParameters",
    "ResponseParameters",
    "TlsConfig",
)
MERGED = ("RequestParameters", "ResponseParameters")
NOT_HTTP = (
    "ContentHandlingStrategy",
    "PassthroughBehavior",
    "RequestTemplates",
    "TemplateSelectionExpression",
)
NOT_YET = ("ConnectionId", "CredentialsArn", "IntegrationSubtype")
METHODS = ("ANY", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")


class Integrations:
    """The resource `integration`."""

    def __init__(self, resources: Resources) -> None:
        self._all = resources

    @operation("CreateIntegration")
    async def create_integration(self, context: RequestContext, request: Request) -> Answer:
        """A new integration, which serves nothing before a route has it as target."""
        integration_id = self._all.ids.letters(ID_LENGTH).lower()

        def work(tx: Transaction) -> Integration:
            api = store.api(tx, context, request["ApiId"])
            made = integration_of(api.protocol_type, integration_id, request)
            store.set_part(tx, api.api_id, made)
            check_parts(tx, api.api_id, self._all.quotas)
            changed(tx, api, self._all)
            return made

        return shown(await self._all.changes.make(request["ApiId"], work))

    @operation("GetIntegration")
    async def get_integration(self, context: RequestContext, request: Request) -> Answer:
        """One integration."""

        def work(tx: Transaction) -> Integration:
            api = store.api(tx, context, request["ApiId"])
            return store.part(tx, api.api_id, Integration, request["IntegrationId"])

        return shown(await self._all.read(request["ApiId"], work))

    @operation("GetIntegrations")
    async def get_integrations(self, context: RequestContext, request: Request) -> Answer:
        """The integrations, by id."""

        def work(tx: Transaction) -> list[Integration]:
            return store.parts(tx, store.api(tx, context, request["ApiId"]).api_id, Integration)

        return page(request, await self._all.read(request["ApiId"], work), lambda each: each.integration_id, shown)

    @operation("UpdateIntegration")
    async def update_integration(self, context: RequestContext, request: Request) -> Answer:
        """What is not sent stays, also in the maps of parameters."""

        def work(tx: Transaction) -> Integration:
            api = store.api(tx, context, request["ApiId"])
            present = store.part(tx, api.api_id, Integration, request["IntegrationId"])
            members = merged(present, given(request, MEMBERS), MERGED)
            wanted = _checked(api.protocol_type, edited(present, members), request)
            store.set_part(tx, api.api_id, wanted)
            changed(tx, api, self._all)
            return wanted

        return shown(await self._all.changes.make(request["ApiId"], work))

    @operation("DeleteIntegration")
    async def delete_integration(self, context: RequestContext, request: Request) -> None:
        """One that a route still has as target stays. Raises Conflict."""

        def work(tx: Transaction) -> None:
            api = store.api(tx, context, request["ApiId"])
            gone = store.part(tx, api.api_id, Integration, request["IntegrationId"])
            for route in store.parts(tx, api.api_id, Route):
                if route.target == f"integrations/{gone.integration_id}":
                    raise Conflict(
                        f"Cannot delete Integration '{gone.integration_id}'. Integration is used by Route "
                        f"'{route.route_id}'."
                    )
            store.delete_part(tx, api.api_id, Integration, gone.integration_id)
            for response in store.parts(tx, api.api_id, IntegrationResponse):
                if response.integration_id == gone.integration_id:
                    store.delete_part(tx, api.api_id, IntegrationResponse, response.part_id)
            changed(tx, api, self._all)

        await self._all.changes.make(request["ApiId"], work)


def integration_of(protocol_type: str, integration_id: str, request: Mapping[str, Any]) -> Integration:
    """The integration that a request describes; an empty IntegrationType is read from the URI. Raises BadRequest."""
    members = given(request, MEMBERS)
    if not members.get("IntegrationType"):
        members["IntegrationType"] = "HTTP_PROXY" if is_url(members["IntegrationUri"]) else "AWS_PROXY"
        if members["IntegrationType"] == "HTTP_PROXY":
            members |= {"IntegrationMethod": "ANY", "PayloadFormatVersion": "1.0"}
    wanted = msgspec.convert({"IntegrationId": integration_id, **members}, Integration)
    return _checked(protocol_type, wanted, request)


def _refuse_members(request: Mapping[str, Any]) -> None:
    for name in NOT_HTTP:
        if request.get(name):
            refuse(name, "for HTTP APIs")
    for name in NOT_YET:
        if request.get(name):
            refuse(name, "by this version of Lambent")


def _checked(protocol_type: str, wanted: Integration, request: Mapping[str, Any]) -> Integration:
    """The integration, complete. Raises BadRequest."""
    if protocol_type == WEBSOCKET:
        return checked_websocket(wanted, request)
    _refuse_members(request)
    if wanted.connection_type != "INTERNET":
        refuse("ConnectionType VPC_LINK", "by this version of Lambent")
    _check_parameters(wanted)
    if wanted.integration_type == "HTTP_PROXY":
        return _checked_proxy(wanted)
    if wanted.integration_type != "AWS_PROXY":
        refuse(f"IntegrationType {wanted.integration_type}", "for HTTP APIs")
    if wanted.tls_config is not None:
        raise BadRequest("TlsConfig is for HTTP_PROXY integrations.")
    if not wanted.integration_uri or not names_function(wanted.integration_uri):
        raise BadRequest(f"Invalid function ARN or invalid uri: {wanted.integration_uri!r}")
    if wanted.payload_format_version not in ("1.0", "2.0"):
        raise BadRequest("PayloadFormatVersion of a Lambda proxy integration is 1.0 or 2.0.")
    if (wanted.integration_method or "POST") != "POST":
        raise BadRequest("IntegrationMethod of a Lambda proxy integration is POST.")
    return msgspec.structs.replace(wanted, integration_method="POST")


def _checked_proxy(wanted: Integration) -> Integration:
    if not is_url(wanted.integration_uri or ""):
        raise BadRequest("IntegrationUri of an HTTP_PROXY integration is a URL that begins with http:// or https://.")
    if "{" in (wanted.integration_uri or "").replace("${stageVariables.", "").split("/")[2]:
        raise BadRequest("A parameter of the path cannot say which server IntegrationUri leads to.")
    if wanted.integration_method not in METHODS:
        raise BadRequest("IntegrationMethod of an HTTP_PROXY integration is ANY or an HTTP method.")
    if wanted.payload_format_version != "1.0":
        raise BadRequest("PayloadFormatVersion of an HTTP_PROXY integration is 1.0.")
    return wanted


def _check_parameters(wanted: Integration) -> None:
    found = problem(wanted.request_parameters or {}, of_request=True)
    for status, mappings in (wanted.response_parameters or {}).items():
        if not STATUS.fullmatch(status):
            raise BadRequest(f"ResponseParameters has {status!r}; it takes statuses from 200 to 599.")
        found = found or problem(mappings, of_request=False)
    if found:
        raise BadRequest(f"Invalid mapping expression specified: {found}")
