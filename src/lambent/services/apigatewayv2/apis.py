"""APIs: CreateApi and its kind, with the quick create that makes a whole API out of a target.

Source: botocore's model `apigatewayv2`; API Gateway Developer Guide, "Create an HTTP API" and "Working with HTTP APIs".
"""

from typing import Any

import msgspec

from lambent.model.apis import api_host
from lambent.services.addresses import address_below
from lambent.services.apigatewayv2 import domain_store, store
from lambent.services.apigatewayv2.api import Resources
from lambent.services.apigatewayv2.deploying import changed
from lambent.services.apigatewayv2.errors import BadRequest, Conflict
from lambent.services.apigatewayv2.integrations import integration_of
from lambent.services.apigatewayv2.model import DEFAULT, Api, Cors, Integration, Route, Stage, edited, given, shown
from lambent.services.apigatewayv2.pages import page
from lambent.services.apigatewayv2.refusing import refuse
from lambent.services.apigatewayv2.room import check_apis
from lambent.services.apigatewayv2.routes import check_route_key
from lambent.services.apigatewayv2.websocket import API_KEY_SELECTION, WEBSOCKET
from lambent.services.apigatewayv2.websocket import check_api as check_websocket_api
from lambent.services.apigatewayv2.websocket import check_new_api as check_new_websocket_api
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.store.api import Transaction

ID_LENGTH, PART_ID_LENGTH = 10, 7
SELECTION = "$request.method $request.path"
CORS_METHODS = ("*", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
LONGEST_NAME = 128
MEMBERS = ("Name", "Description", "Version", "CorsConfiguration", "DisableExecuteApiEndpoint", "IpAddressType")
NOT_HTTP = ("DisableSchemaValidation",)


class Apis:
    """The resource `API`."""

    def __init__(self, resources: Resources) -> None:
        self._all = resources

    @operation("CreateApi")
    async def create_api(self, context: RequestContext, request: Request) -> Answer:
        """A new API; with a Target it is served at once."""
        check_name(request)
        protocol_type = request["ProtocolType"]
        if protocol_type == WEBSOCKET:
            check_new_websocket_api(request)
        else:
            check_api(request)
        api = msgspec.convert(
            {
                "ApiId": self._all.ids.letters(ID_LENGTH).lower(),
                "ProtocolType": protocol_type,
                "CreatedDate": self._all.clock.now_ms(),
                **given(request, MEMBERS),
                "RouteSelectionExpression": request.get("RouteSelectionExpression", SELECTION)
                if protocol_type == WEBSOCKET
                else SELECTION,
            },
            Api,
        )
        quick = self._quick_parts(request) if request.get("Target") else []
        if request.get("RouteKey") and not quick:
            raise BadRequest("RouteKey is for an API that is created with a Target.")

        def work(tx: Transaction) -> None:
            store.set_api(tx, context, api)
            store.set_tags(tx, api_arn(context, api.api_id), request.get("Tags") or {})
            check_apis(tx, context, self._all.quotas)
            for part in quick:
                store.set_part(tx, api.api_id, part)
            changed(tx, api, self._all)

        await self._all.changes.make(api.api_id, work)
        return await self._shown(context, api)

    def _quick_parts(self, request: Request) -> list[Integration | Route | Stage]:
        now_ms, letters = self._all.clock.now_ms(), self._all.ids.letters
        wanted = {"IntegrationType": "", "IntegrationUri": request["Target"], "PayloadFormatVersion": "2.0"}
        integration = integration_of("HTTP", letters(PART_ID_LENGTH).lower(), wanted)
        key = request.get("RouteKey") or DEFAULT
        check_route_key(key)
        target = f"integrations/{integration.integration_id}"
        return [
            msgspec.structs.replace(integration, api_gateway_managed=True),
            Route(letters(PART_ID_LENGTH).lower(), key, target=target, api_gateway_managed=True),
            Stage(DEFAULT, now_ms, now_ms, auto_deploy=True, api_gateway_managed=True),
        ]

    @operation("GetApi")
    async def get_api(self, context: RequestContext, request: Request) -> Answer:
        """One API."""
        api = await self._all.read(request["ApiId"], lambda tx: store.api(tx, context, request["ApiId"]))
        return await self._shown(context, api)

    @operation("GetApis")
    async def get_apis(self, context: RequestContext, request: Request) -> Answer:
        """The APIs, by id."""

        def work(tx: Transaction) -> list[tuple[Api, dict[str, str]]]:
            found = store.apis(tx, context)
            return [(api, store.tags(tx, api_arn(context, api.api_id))) for api in found]

        found = await self._all.database.read(work)
        return page(request, found, lambda each: each[0].api_id, lambda each: wire(context, *each))

    @operation("UpdateApi")
    async def update_api(self, context: RequestContext, request: Request) -> Answer:
        """What is not sent stays; CORS is replaced as a whole."""
        for name in ("RouteKey", "Target"):
            if request.get(name):
                refuse(name, "of an API that is there", "Change its route or its integration.")
        check_name(request)

        def work(tx: Transaction) -> Api:
            present = store.api(tx, context, request["ApiId"])
            members: tuple[str, ...] = MEMBERS
            if present.protocol_type == WEBSOCKET:
                check_websocket_api(request)
                members += ("RouteSelectionExpression",)
            else:
                check_api(request)
            api = edited(present, given(request, members))
            store.set_api(tx, context, api)
            changed(tx, api, self._all)
            return api

        return await self._shown(context, await self._all.changes.make(request["ApiId"], work))

    @operation("DeleteApi")
    async def delete_api(self, context: RequestContext, request: Request) -> None:
        """The API with all that belongs to it."""

        def work(tx: Transaction) -> None:
            api_id = store.api(tx, context, request["ApiId"]).api_id
            refuse_mapped(tx, api_id)
            store.delete_api(tx, api_id, api_arn(context, api_id))

        await self._all.changes.make(request["ApiId"], work)

    @operation("DeleteCorsConfiguration")
    async def delete_cors_configuration(self, context: RequestContext, request: Request) -> None:
        """Browsers of other origins are told nothing from now on."""

        def work(tx: Transaction) -> None:
            api = msgspec.structs.replace(store.api(tx, context, request["ApiId"]), cors_configuration=None)
            store.set_api(tx, context, api)
            changed(tx, api, self._all)

        await self._all.changes.make(request["ApiId"], work)

    async def _shown(self, context: RequestContext, api: Api) -> Answer:
        tags = await self._all.database.read(lambda tx: store.tags(tx, api_arn(context, api.api_id)))
        return wire(context, api, tags)


def refuse_mapped(tx: Transaction, api_id: str, stage: str = "") -> None:
    """What a custom domain name leads to stays. Raises BadRequest and Conflict."""
    name = domain_store.domain_that_leads_to(tx, api_id, stage)
    if name is not None and not stage:
        raise BadRequest(
            f"Deleting API {api_id} failed. Please remove all API mappings for the API from your custom domain names."
        )
    if name is not None:
        raise Conflict(f"Deleting this is not allowed while domain name {name} is mapped to it.")


def api_arn(context: RequestContext, api_id: str) -> str:
    """What tags call an API. Source: API Gateway Developer Guide, "API Gateway resource ARNs"."""
    return f"arn:aws:apigateway:{context.region}::/apis/{api_id}"


def wire(context: RequestContext, api: Api, tags: dict[str, str]) -> dict[str, Any]:
    """The API as it is shown."""
    scheme = context.endpoint.partition(":")[0].replace("http", "ws") if api.protocol_type == WEBSOCKET else ""
    endpoint = address_below(api_host(api.api_id, context.region), context.endpoint, scheme)
    return {**shown(api), "ApiEndpoint": endpoint, "Tags": tags}


def check_api(request: Request) -> None:
    """Raises BadRequest for what an HTTP API does not have, and for CORS that contradicts itself."""
    for name in NOT_HTTP:
        if request.get(name):
            refuse(name, "for HTTP APIs")
    if request.get("ApiKeySelectionExpression") not in (None, "", API_KEY_SELECTION):  # tools send the usual one
        refuse("ApiKeySelectionExpression", "for HTTP APIs")
    if request.get("CredentialsArn"):
        refuse("CredentialsArn", "here", "Let API Gateway in by the function's resource policy (AddPermission).")
    expression = request.get("RouteSelectionExpression")
    if expression and expression.replace("${request.method} ${request.path}", SELECTION) != SELECTION:
        raise BadRequest(f"RouteSelectionExpression of an HTTP API is {SELECTION}.")
    if request.get("IpAddressType", "ipv4") != "ipv4":
        refuse("IpAddressType dualstack", "by this version of Lambent")
    if request.get("CorsConfiguration"):
        check_cors(msgspec.convert(request["CorsConfiguration"], Cors))


def check_name(request: Request) -> None:
    """Raises BadRequest."""
    name = request.get("Name")
    if name is not None and not 1 <= len(name) <= LONGEST_NAME:
        raise BadRequest(f"Name has 1 to {LONGEST_NAME} characters.")


def check_cors(cors: Cors) -> None:
    """Raises BadRequest. Source: API Gateway Developer Guide, "Configure CORS for HTTP APIs"."""
    origins = cors.allow_origins or ()
    if cors.allow_credentials and "*" in origins:
        raise BadRequest("Credentials are not supported for CORS with a wildcard origin ('*').")
    if len(origins) > 1 and "*" in origins:
        raise BadRequest("AllowOrigins with '*' cannot have other origins.")
    for method in cors.allow_methods or ():
        if method not in CORS_METHODS:
            raise BadRequest(f"AllowMethods has {method!r}; it takes {', '.join(CORS_METHODS)}.")
    for origin in origins:
        if origin != "*" and not origin.startswith(("http://", "https://")):
            raise BadRequest(
                f"AllowOrigins has {origin!r}; it takes *, http://*, https://* and origins such as https://example.com."
            )
