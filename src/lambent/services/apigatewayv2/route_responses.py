"""Route responses of WebSocket APIs: with one, what the integration says goes back to the client.

Source: botocore's model `apigatewayv2`; API Gateway Developer Guide, "Set up a route response for a WebSocket API in
API Gateway" (its key is $default).
"""

from collections.abc import Mapping
from typing import Any

from lambent.services.apigatewayv2.api import Resources
from lambent.services.apigatewayv2.below import Below
from lambent.services.apigatewayv2.errors import BadRequest
from lambent.services.apigatewayv2.model import DEFAULT, Api, Route, RouteResponse
from lambent.services.apigatewayv2.refusing import refuse
from lambent.services.apigatewayv2.websocket import WEBSOCKET
from lambent.services.operation import Answer, Request, RequestContext, operation

MEMBERS = ("RouteResponseKey",)
NOT_YET = ("ModelSelectionExpression", "ResponseModels", "ResponseParameters")


class RouteResponses:
    """The resource `route response`."""

    def __init__(self, resources: Resources) -> None:
        self._below = Below(resources, (Route, RouteResponse), MEMBERS, _check, _taken)

    @operation("CreateRouteResponse")
    async def create_route_response(self, context: RequestContext, request: Request) -> Answer:
        """A new route response."""
        return await self._below.create(context, request)

    @operation("GetRouteResponse")
    async def get_route_response(self, context: RequestContext, request: Request) -> Answer:
        """One route response."""
        return await self._below.get(context, request)

    @operation("GetRouteResponses")
    async def get_route_responses(self, context: RequestContext, request: Request) -> Answer:
        """Those of a route."""
        return await self._below.list(context, request)

    @operation("UpdateRouteResponse")
    async def update_route_response(self, context: RequestContext, request: Request) -> Answer:
        """What is not sent stays."""
        return await self._below.update(context, request)

    @operation("DeleteRouteResponse")
    async def delete_route_response(self, context: RequestContext, request: Request) -> None:
        """Clients hear nothing of this route from the next deployment on."""
        await self._below.delete(context, request)


def _check(api: Api, _route: Route, wanted: RouteResponse, request: Mapping[str, Any]) -> None:
    if api.protocol_type != WEBSOCKET:
        raise BadRequest("Route responses are for WebSocket APIs.")
    for name in NOT_YET:
        if request.get(name):
            refuse(f"{name} of a route response", "by this version of Lambent")
    if wanted.route_response_key != DEFAULT:
        raise BadRequest("RouteResponseKey is $default.")


def _taken(wanted: RouteResponse) -> str:
    return f"Route response with key {wanted.route_response_key} already exists for this route"
