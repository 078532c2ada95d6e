"""An HTTP API as an edge serves it: stage, CORS, route, permission, event, function, answer.

A warm request whose route is known, and whose function lets API Gateway in, is served without waiting for anything
but the function.

Source: API Gateway Developer Guide, "Working with HTTP APIs" and the pages that its modules name. That the answer to a
preflight is 204 is recorded behaviour; a payload over the limit is answered as the quotas page says (413).
"""

from collections.abc import Awaitable

from lambent.gateway import cors
from lambent.gateway.apis.address import Place, place_of
from lambent.gateway.apis.api import ApiAddress, Tools
from lambent.gateway.apis.http_call import HttpCall, failure
from lambent.gateway.apis.http_event import Route, event_1, event_2
from lambent.gateway.apis.routes import DEFAULT, Match, RouteTable
from lambent.gateway.exchange import LATER, Exchange, Step
from lambent.gateway.proxy_event import Facts
from lambent.model.apis import FunctionTarget, HttpApi, HttpRoute, HttpStage, execute_api_arn
from lambent.model.http import HttpRequest
from lambent.model.invocation import Invocation
from lambent.model.trace import new_trace

EVENTS = {"1.0": event_1, "2.0": event_2}


class ServedHttpApi:
    """See `gateway.apis.api` for the contract."""

    def __init__(self, api: HttpApi, tools: Tools) -> None:
        self.api, self._tools = api, tools
        self._tables = {
            name: RouteTable((each.key, each) for each in stage.routes) for name, stage in api.stages.items()
        }

    def __call__(self, exchange: Exchange, address: ApiAddress) -> Step | Awaitable[Step]:
        place = None if self.api.closed and not address.custom else place_of(address, self.api.stages)
        if place is None:
            return HttpCall(exchange, None).complete(failure(404, "Not Found"))
        stage, request = self.api.stages[place.stage], exchange.request
        call = HttpCall(exchange, stage.cors)
        early = cors.preflight(stage.cors, request, 204)
        if early is not None:
            return HttpCall(exchange, None).complete(early)
        if len(request.body) > self._tools.rules.request_bytes:
            return call.complete(failure(413, "Request Entity Too Large"))
        match = self._tables[place.stage].match(request.method, place.path)
        if match is None:
            return call.complete(failure(404, "Not Found"))
        target = match.route.target
        if target is None:
            return call.complete(failure(500))
        source_arn = execute_api_arn(self.api, place.stage, _called(request, match.route))
        permitted = self._tools.permits.known(target.function, target.qualifier, source_arn)
        if permitted is None:
            return self._ask(exchange, call, (address, place, match, target), source_arn)
        if not permitted:
            return call.complete(failure(500))
        return self._invoke(exchange, call, (address, place, match, target))

    async def _ask(
        self,
        exchange: Exchange,
        call: HttpCall,
        way: tuple[ApiAddress, Place, Match[HttpRoute], FunctionTarget],
        source_arn: str,
    ) -> Step:
        target = way[3]
        if not await self._tools.permits.get(target.function, target.qualifier, source_arn):
            return call.complete(failure(500))
        return self._invoke(exchange, call, way)

    def _invoke(
        self, exchange: Exchange, call: HttpCall, way: tuple[ApiAddress, Place, Match[HttpRoute], FunctionTarget]
    ) -> Step:
        address, place, match, target = way
        stage: HttpStage = self.api.stages[place.stage]
        trace_header = exchange.request.header("x-amzn-trace-id") or new_trace(exchange.request_id)
        facts = Facts(exchange.request_id, exchange.source_ip, trace_header, self._tools.clock.now_ms())
        route = Route(
            self.api.api_id,
            self.api.account,
            address.domain,
            match.route.key,
            place,
            dict(stage.variables),
            match.parameters,
        )
        event = EVENTS[target.payload_format](exchange.request, route, facts)
        if len(event) > self._tools.rules.event_bytes:
            return call.complete(failure(413, "Request Entity Too Large"))
        call.await_function(target.payload_format, target.timeout_ms)
        invocation = Invocation(exchange.request_id, target.function, target.qualifier, event, trace_header)
        self._tools.begin(invocation, call.done, None)
        return LATER


def _called(request: HttpRequest, route: HttpRoute) -> str:
    """The last part of the ARN that policies know a route by."""
    return DEFAULT if route.key == DEFAULT else request.method + route.key[route.key.index(" ") + 1 :]
