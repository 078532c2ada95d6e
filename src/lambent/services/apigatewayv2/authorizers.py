"""Authorizers: CreateAuthorizer and its kind, and ResetAuthorizersCache.

Source: botocore's model `apigatewayv2`; API Gateway Developer Guide, "Control access to HTTP APIs with JWT authorizers"
and "Control access to HTTP APIs with AWS Lambda authorizers".
"""

import re
from collections.abc import Callable

import msgspec

from lambent.services.apigatewayv2 import store
from lambent.services.apigatewayv2.api import Resources
from lambent.services.apigatewayv2.deploying import changed
from lambent.services.apigatewayv2.errors import BadRequest, Conflict
from lambent.services.apigatewayv2.model import Api, Authorizer, Route, Stage, edited, given, shown
from lambent.services.apigatewayv2.pages import page
from lambent.services.apigatewayv2.refusing import refuse
from lambent.services.apigatewayv2.room import check_parts
from lambent.services.apigatewayv2.targets import names_function
from lambent.services.apigatewayv2.websocket import WEBSOCKET
from lambent.services.apigatewayv2.websocket import check_authorizer as check_websocket_authorizer
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.store.api import Transaction

ID_LENGTH = 6
LONGEST_TTL_S = 3_600
SOURCE = re.compile(
    r"\$request\.(header|querystring)\.[A-Za-z0-9_-]+|\$context\.[A-Za-z0-9_.-]+|\$stageVariables\.[A-Za-z0-9_]+"
)
MEMBERS = (
    "Name",
    "AuthorizerType",
    "IdentitySource",
    "JwtConfiguration",
    "AuthorizerUri",
    "AuthorizerPayloadFormatVersion",
    "AuthorizerResultTtlInSeconds",
    "EnableSimpleResponses",
)
OF_FUNCTIONS = (
    "AuthorizerUri",
    "AuthorizerPayloadFormatVersion",
    "AuthorizerResultTtlInSeconds",
    "EnableSimpleResponses",
)
Present = Callable[[Transaction, Api], Authorizer]


class Authorizers:
    """The resource `authorizer`."""

    def __init__(self, resources: Resources) -> None:
        self._all = resources

    @operation("CreateAuthorizer")
    async def create_authorizer(self, context: RequestContext, request: Request) -> Answer:
        """A new authorizer, which decides nothing before a route names it."""
        authorizer_id = self._all.ids.letters(ID_LENGTH).lower()

        def wanted(_: Transaction, api: Api) -> Authorizer:
            return authorizer_of(authorizer_id, request, api.protocol_type)

        return await self._put(context, request, wanted)

    @operation("GetAuthorizer")
    async def get_authorizer(self, context: RequestContext, request: Request) -> Answer:
        """One authorizer."""

        def work(tx: Transaction) -> Authorizer:
            api = store.api(tx, context, request["ApiId"])
            return store.part(tx, api.api_id, Authorizer, request["AuthorizerId"])

        return shown(await self._all.read(request["ApiId"], work))

    @operation("GetAuthorizers")
    async def get_authorizers(self, context: RequestContext, request: Request) -> Answer:
        """The authorizers, by id."""

        def work(tx: Transaction) -> list[Authorizer]:
            return store.parts(tx, store.api(tx, context, request["ApiId"]).api_id, Authorizer)

        return page(request, await self._all.read(request["ApiId"], work), lambda each: each.authorizer_id, shown)

    @operation("UpdateAuthorizer")
    async def update_authorizer(self, context: RequestContext, request: Request) -> Answer:
        """What is not sent stays."""
        _refuse_members(request)

        def present(tx: Transaction, api: Api) -> Authorizer:
            before = store.part(tx, api.api_id, Authorizer, request["AuthorizerId"])
            return checked(edited(before, given(request, MEMBERS)), api.protocol_type)

        return await self._put(context, request, present)

    @operation("DeleteAuthorizer")
    async def delete_authorizer(self, context: RequestContext, request: Request) -> None:
        """One that a route still names stays. Raises Conflict."""

        def work(tx: Transaction) -> None:
            api = store.api(tx, context, request["ApiId"])
            gone = store.part(tx, api.api_id, Authorizer, request["AuthorizerId"])
            for route in store.parts(tx, api.api_id, Route):
                if route.authorizer_id == gone.authorizer_id:
                    raise Conflict(
                        f"Cannot delete Authorizer '{gone.name}'. Authorizer is referenced by Route "
                        f"'{route.route_key}'."
                    )
            store.delete_part(tx, api.api_id, Authorizer, gone.authorizer_id)
            changed(tx, api, self._all)

        await self._all.changes.make(request["ApiId"], work)

    @operation("ResetAuthorizersCache")
    async def reset_authorizers_cache(self, context: RequestContext, request: Request) -> None:
        """Functions are asked again: edges forget what they said, with the API itself."""

        def work(tx: Transaction) -> None:
            api = store.api(tx, context, request["ApiId"])
            store.part(tx, api.api_id, Stage, request["StageName"])

        await self._all.changes.make(request["ApiId"], work)

    async def _put(self, context: RequestContext, request: Request, present: Present) -> Answer:
        def work(tx: Transaction) -> Authorizer:
            api = store.api(tx, context, request["ApiId"])
            wanted = present(tx, api)
            if not store.set_part(tx, api.api_id, wanted):
                raise BadRequest(f"Authorizer with name {wanted.name} already exists for this API")
            check_parts(tx, api.api_id, self._all.quotas)
            changed(tx, api, self._all)
            return wanted

        return shown(await self._all.changes.make(request["ApiId"], work))


def authorizer_of(authorizer_id: str, request: Request, protocol_type: str = "HTTP") -> Authorizer:
    """The authorizer that a request describes. Raises BadRequest."""
    _refuse_members(request)
    wanted = msgspec.convert({"AuthorizerId": authorizer_id, **given(request, MEMBERS)}, Authorizer)
    return checked(wanted, protocol_type)


def _refuse_members(request: Request) -> None:
    if request.get("IdentityValidationExpression"):
        refuse("IdentityValidationExpression", "for these APIs")
    if request.get("AuthorizerCredentialsArn"):
        refuse("AuthorizerCredentialsArn", "here", "Let API Gateway in by the function's resource policy.")
    jwt = request.get("JwtConfiguration")
    if jwt is not None and not (jwt.get("Issuer") and jwt.get("Audience")):
        raise BadRequest("JwtConfiguration has an Issuer and an Audience.")


def checked(wanted: Authorizer, protocol_type: str) -> Authorizer:
    """The authorizer, complete. Raises BadRequest."""
    if protocol_type == WEBSOCKET:
        check_websocket_authorizer(wanted)
        return wanted
    for source in wanted.identity_source:
        if not SOURCE.fullmatch(source):
            raise BadRequest(f"Identity source {source!r} is not legal.")
    if wanted.authorizer_type == "JWT":
        _check_jwt(wanted)
        return wanted
    if wanted.jwt_configuration is not None:
        raise BadRequest("JwtConfiguration is for authorizers of type JWT.")
    if not wanted.authorizer_uri or not names_function(wanted.authorizer_uri):
        raise BadRequest(f"Invalid authorizer URI: {wanted.authorizer_uri!r}")
    if wanted.authorizer_payload_format_version not in ("1.0", "2.0"):
        raise BadRequest("AuthorizerPayloadFormatVersion is a required parameter for REQUEST authorizer: 1.0 or 2.0.")
    if wanted.enable_simple_responses and wanted.authorizer_payload_format_version != "2.0":
        raise BadRequest("EnableSimpleResponses is for AuthorizerPayloadFormatVersion 2.0.")
    ttl_s = wanted.authorizer_result_ttl_in_seconds
    if ttl_s is not None and not 0 <= ttl_s <= LONGEST_TTL_S:
        raise BadRequest(f"AuthorizerResultTtlInSeconds is 0 to {LONGEST_TTL_S}.")
    if ttl_s and not wanted.identity_source:
        raise BadRequest("An identity source is needed for an answer that is kept (AuthorizerResultTtlInSeconds).")
    return wanted


def _check_jwt(wanted: Authorizer) -> None:
    jwt = wanted.jwt_configuration
    if jwt is None or not jwt.audience:
        raise BadRequest("An authorizer of type JWT needs a JwtConfiguration with Issuer and Audience.")
    if not jwt.issuer.startswith(("https://", "http://")):
        raise BadRequest(f"Invalid issuer: {jwt.issuer!r}. Issuer must have a valid URL.")
    if len(wanted.identity_source) != 1:
        raise BadRequest("An authorizer of type JWT has one identity source.")
    for name in OF_FUNCTIONS:
        if msgspec.to_builtins(wanted).get(name) is not None:
            raise BadRequest(f"{name} is for authorizers of type REQUEST.")
