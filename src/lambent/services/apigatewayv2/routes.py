"""Routes: CreateRoute and its kind.

Source: botocore's model `apigatewayv2`; API Gateway Developer Guide, "Create routes for HTTP APIs in API Gateway".
What routes of WebSocket APIs take is in websocket.py.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from lambent.services.apigatewayv2 import store
from lambent.services.apigatewayv2.api import Resources
from lambent.services.apigatewayv2.deploying import changed
from lambent.services.apigatewayv2.errors import BadRequest, Conflict
from lambent.services.apigatewayv2.model import (
    DEFAULT,
    Api,
    Authorizer,
    Integration,
    Route,
    RouteResponse,
    edited,
    given,
    shown,
)
from lambent.services.apigatewayv2.pages import page
from lambent.services.apigatewayv2.refusing import refuse
from lambent.services.apigatewayv2.room import check_parts
from lambent.services.apigatewayv2.websocket import WEBSOCKET
from lambent.services.apigatewayv2.websocket import check_route as check_websocket_route
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.store.api import Transaction

ID_LENGTH = 7
METHODS = ("ANY", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
SEGMENT = re.compile(r"[a-zA-Z0-9._~!$&'()*,;=:@%+-]*|\{[a-zA-Z0-9._:-]+\}")
GREEDY = re.compile(r"\{[a-zA-Z0-9._:-]+\+\}")
MEMBERS = (
    "RouteKey",
    "AuthorizationScopes",
    "AuthorizationType",
    "AuthorizerId",
    "OperationName",
    "Target",
    "RouteResponseSelectionExpression",
)
TYPES = {"JWT": "JWT", "CUSTOM": "REQUEST"}  # of routes, and of the authorizers that go with them
NOT_HTTP = (
    "ApiKeyRequired",
    "ModelSelectionExpression",
    "RequestModels",
    "RequestParameters",
    "RouteResponseSelectionExpression",
)


class Routes:
    """The resource `route`."""

    def __init__(self, resources: Resources) -> None:
        self._all = resources

    @operation("CreateRoute")
    async def create_route(self, context: RequestContext, request: Request) -> Answer:
        """A new route."""
        route_id = self._all.ids.letters(ID_LENGTH).lower()
        made = msgspec.convert({"RouteId": route_id, **given(request, MEMBERS)}, Route)
        return await self._put(context, request, lambda _tx, _api: made)

    @operation("GetRoute")
    async def get_route(self, context: RequestContext, request: Request) -> Answer:
        """One route."""

        def work(tx: Transaction) -> Route:
            return store.part(tx, store.api(tx, context, request["ApiId"]).api_id, Route, request["RouteId"])

        return shown(await self._all.read(request["ApiId"], work))

    @operation("GetRoutes")
    async def get_routes(self, context: RequestContext, request: Request) -> Answer:
        """The routes, by id."""

        def work(tx: Transaction) -> list[Route]:
            return store.parts(tx, store.api(tx, context, request["ApiId"]).api_id, Route)

        return page(request, await self._all.read(request["ApiId"], work), lambda each: each.route_id, shown)

    @operation("UpdateRoute")
    async def update_route(self, context: RequestContext, request: Request) -> Answer:
        """What is not sent stays."""

        def present(tx: Transaction, api: Api) -> Route:
            before = store.part(tx, api.api_id, Route, request["RouteId"])
            wanted = edited(before, given(request, MEMBERS))
            if wanted.authorization_type not in TYPES and "AuthorizerId" not in request:  # it goes with its type
                return msgspec.structs.replace(wanted, authorizer_id=None, authorization_scopes=None)
            return wanted

        return await self._put(context, request, present)

    @operation("DeleteRoute")
    async def delete_route(self, context: RequestContext, request: Request) -> None:
        """The route; its integration stays."""

        def work(tx: Transaction) -> None:
            api = store.api(tx, context, request["ApiId"])
            store.delete_part(tx, api.api_id, Route, request["RouteId"])
            for response in store.parts(tx, api.api_id, RouteResponse):
                if response.route_id == request["RouteId"]:
                    store.delete_part(tx, api.api_id, RouteResponse, response.route_response_id)
            changed(tx, api, self._all)

        await self._all.changes.make(request["ApiId"], work)

    async def _put(self, context: RequestContext, request: Request, wanted: Any) -> Answer:
        def work(tx: Transaction) -> Route:
            api = store.api(tx, context, request["ApiId"])
            route: Route = wanted(tx, api)
            check(tx, api, route, request)
            if not store.set_part(tx, api.api_id, route):
                raise Conflict(f"Route with key {route.route_key} already exists for this API")
            check_parts(tx, api.api_id, self._all.quotas)
            changed(tx, api, self._all)
            return route

        return shown(await self._all.changes.make(request["ApiId"], work))


def check(tx: Transaction, api: Api, route: Route, request: Mapping[str, Any]) -> None:
    """Raises BadRequest, NotFound."""
    if api.protocol_type == WEBSOCKET:
        check_websocket_route(route, request)
    else:
        _check_http(route, request)
    _check_authorizer(tx, api, route)
    if route.target is not None:
        kind, _, integration_id = route.target.partition("/")
        if kind != "integrations":
            raise BadRequest("Target of a route is integrations/ and the id of an integration.")
        if store.find_part(tx, api.api_id, Integration, integration_id) is None:
            raise BadRequest(f"Invalid integration identifier specified {integration_id}")


def _check_http(route: Route, request: Mapping[str, Any]) -> None:
    for name in NOT_HTTP:
        if request.get(name):
            refuse(name, "for HTTP APIs")
    check_route_key(route.route_key)


def _check_authorizer(tx: Transaction, api: Api, route: Route) -> None:
    """Raises BadRequest."""
    if route.authorization_scopes and route.authorization_type != "JWT":
        raise BadRequest("AuthorizationScopes are for routes with AuthorizationType JWT.")
    if route.authorization_type not in TYPES:
        if route.authorizer_id:
            raise BadRequest(f"AuthorizerId is not for routes with AuthorizationType {route.authorization_type}.")
        return
    if not route.authorizer_id:
        raise BadRequest(f"AuthorizerId is needed for AuthorizationType {route.authorization_type}.")
    authorizer = store.find_part(tx, api.api_id, Authorizer, route.authorizer_id)
    if authorizer is None:
        raise BadRequest(f"Invalid authorizer identifier specified {route.authorizer_id}")
    if authorizer.authorizer_type != TYPES[route.authorization_type]:
        raise BadRequest(f"Authorizer type and AuthorizationType {route.authorization_type} do not go together.")


def check_route_key(key: str) -> None:
    """Raises BadRequest for what is neither `$default` nor `METHOD /path`."""
    if key == DEFAULT:
        return
    method, _, path = key.partition(" ")
    if method not in METHODS or not path.startswith("/"):
        raise BadRequest(
            "The provided route key is not formatted properly for HTTP protocol. "
            'Format should be "<HTTP METHOD> /<RESOURCE PATH>" or "$default"'
        )
    segments = path[1:].split("/")
    names = [segment.strip("{+}") for segment in segments if segment.startswith("{")]
    if len(set(names)) != len(names):
        raise BadRequest(f"The path {path} has two parameters of one name.")
    for at, segment in enumerate(segments):
        last = at == len(segments) - 1
        if not (SEGMENT.fullmatch(segment) or (last and GREEDY.fullmatch(segment))):
            raise BadRequest(f"The path {path} is not legal at {segment!r}; {{name+}} stands last.")
