"""Route responses of WebSocket APIs: with one, what the integration says goes back to the client.

Source: botocore's model `apigatewayv2`; API Gateway Developer Guide, "Set up a route response for a WebSocket API in
API Gateway" (its key is $default).
"""

from collections.abc import Callable, Mapping
from typing import Any

from lambent.services.apigatewayv2 import store
from lambent.services.apigatewayv2.api import Resources
from lambent.services.apigatewayv2.deploying import changed
from lambent.services.apigatewayv2.errors import BadRequest, Conflict, no_part
from lambent.services.apigatewayv2.model import DEFAULT, Api, Route, RouteResponse, edited, given, shown
from lambent.services.apigatewayv2.pages import page
from lambent.services.apigatewayv2.refusing import refuse
from lambent.services.apigatewayv2.websocket import WEBSOCKET
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.store.api import Transaction

ID_LENGTH = 7
MEMBERS = ("RouteResponseKey",)
NOT_YET = ("ModelSelectionExpression", "ResponseModels", "ResponseParameters")


class RouteResponses:
    """The resource `route response`."""

    def __init__(self, resources: Resources) -> None:
        self._all = resources

    @operation("CreateRouteResponse")
    async def create_route_response(self, context: RequestContext, request: Request) -> Answer:
        """A new route response."""
        made = RouteResponse(
            self._all.ids.letters(ID_LENGTH).lower(), str(request["RouteId"]), str(request["RouteResponseKey"])
        )
        return await self._put(context, request, lambda _tx, _api: made)

    @operation("GetRouteResponse")
    async def get_route_response(self, context: RequestContext, request: Request) -> Answer:
        """One route response."""
        found = await self._all.database.read(
            lambda tx: _one(tx, store.api(tx, context, request["ApiId"]).api_id, request)
        )
        return _wire(found)

    @operation("GetRouteResponses")
    async def get_route_responses(self, context: RequestContext, request: Request) -> Answer:
        """Those of a route, by id."""

        def work(tx: Transaction) -> list[RouteResponse]:
            api_id = store.api(tx, context, request["ApiId"]).api_id
            route = store.part(tx, api_id, Route, request["RouteId"])
            return [each for each in store.parts(tx, api_id, RouteResponse) if each.route_id == route.route_id]

        return page(request, await self._all.read(request["ApiId"], work), lambda each: each.route_response_id, _wire)

    @operation("UpdateRouteResponse")
    async def update_route_response(self, context: RequestContext, request: Request) -> Answer:
        """What is not sent stays."""
        return await self._put(
            context, request, lambda tx, api: edited(_one(tx, api.api_id, request), given(request, MEMBERS))
        )

    @operation("DeleteRouteResponse")
    async def delete_route_response(self, context: RequestContext, request: Request) -> None:
        """Clients hear nothing of this route from the next deployment on."""

        def work(tx: Transaction) -> None:
            api = store.api(tx, context, request["ApiId"])
            store.delete_part(tx, api.api_id, RouteResponse, _one(tx, api.api_id, request).route_response_id)
            changed(tx, api, self._all)

        await self._all.changes.make(request["ApiId"], work)

    async def _put(
        self, context: RequestContext, request: Request, wanted: Callable[[Transaction, Api], RouteResponse]
    ) -> Answer:
        def work(tx: Transaction) -> RouteResponse:
            api = store.api(tx, context, request["ApiId"])
            store.part(tx, api.api_id, Route, request["RouteId"])
            made = wanted(tx, api)
            _check(api, made, request)
            if not store.set_part(tx, api.api_id, made):
                raise Conflict(f"Route response with key {made.route_response_key} already exists for this route")
            changed(tx, api, self._all)
            return made

        return _wire(await self._all.changes.make(request["ApiId"], work))


def _check(api: Api, wanted: RouteResponse, request: Mapping[str, Any]) -> None:
    if api.protocol_type != WEBSOCKET:
        raise BadRequest("Route responses are for WebSocket APIs.")
    for name in NOT_YET:
        if request.get(name):
            refuse(f"{name} of a route response", "by this version of Lambent")
    if wanted.route_response_key != DEFAULT:
        raise BadRequest("RouteResponseKey is $default.")


def _one(tx: Transaction, api_id: str, request: Mapping[str, Any]) -> RouteResponse:
    found = store.part(tx, api_id, RouteResponse, request["RouteResponseId"])
    if found.route_id != request["RouteId"]:
        raise no_part(RouteResponse.kind, request["RouteResponseId"])
    return found


def _wire(record: RouteResponse) -> Answer:
    members = shown(record)
    members.pop("RouteId")
    return members
