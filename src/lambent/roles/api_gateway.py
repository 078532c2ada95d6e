"""API Gateway in control, connected: the services, what edges ask about APIs, and who may invoke what for them."""

from collections.abc import Awaitable, Callable, Mapping

from lambent.clock import Clock
from lambent.ids import Ids
from lambent.model.apis import PRINCIPAL, CompiledApi
from lambent.model.messages import Invalidate, InvokeQuery
from lambent.roles.control_links import Edges
from lambent.services.apigatewayv2.api import Links
from lambent.services.apigatewayv2.service import ApiGatewayV2Service
from lambent.services.lambda_.api import Caller
from lambent.services.lambda_.service import LambdaService
from lambent.services.operation import Operation
from lambent.store.api import Database
from lambent.transport.peer import Method, Methods, Peer

Open = Callable[[str, str], Awaitable[Database]]


class ApiGateway:
    """Made by `build_api_gateway`."""

    def __init__(self, v2: ApiGatewayV2Service, lambda_: LambdaService) -> None:
        self._v2, self._lambda = v2, lambda_

    @property
    def operations(self) -> dict[str, Mapping[str, Operation]]:
        """Of each service, for the dispatcher."""
        return {"apigatewayv2": self._v2.operations}

    def methods(self) -> Methods:
        """What edges may ask."""
        return {"api": Method(str, self._api), "may_invoke": Method(InvokeQuery, self._may_invoke)}

    async def close(self) -> None:
        """Wait for changes in hand."""
        await self._v2.close()

    async def _api(self, _: Peer, api_id: str) -> CompiledApi | None:
        return await self._v2.compiled(api_id)

    async def _may_invoke(self, _: Peer, query: InvokeQuery) -> bool:
        caller = Caller(PRINCIPAL, query.source_arn, query.source_arn.split(":")[4])
        return await self._lambda.permissions.allows(query.function, query.qualifier, caller)


async def build_api_gateway(open_: Open, clock: Clock, ids: Ids, edges: Edges, lambda_: LambdaService) -> ApiGateway:
    """Open the databases and make the services."""

    async def announce(api_id: str) -> None:
        await edges.broadcast(Invalidate(apis=[api_id]))

    database = await open_("apigatewayv2", "lambent.services.apigatewayv2")
    return ApiGateway(ApiGatewayV2Service(database, clock, ids, Links(announce)), lambda_)
