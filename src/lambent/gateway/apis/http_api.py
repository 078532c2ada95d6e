"""An HTTP API as an edge serves it: stage, CORS, size, route. What a route does is in `http_route.py`.

Source: API Gateway Developer Guide, "Working with HTTP APIs" and the pages that its modules name. That the answer to a
preflight is 204 is what public reports of the service show; a body over the limit is answered as the quotas page says
(413), and so are headers that are too long together (431).
"""

from collections.abc import Awaitable

from lambent.gateway import cors
from lambent.gateway.apis import sizes
from lambent.gateway.apis.access_log import AccessLine
from lambent.gateway.apis.address import DEFAULT, ApiAddress, Place, place_of
from lambent.gateway.apis.api import Tools
from lambent.gateway.apis.http_call import HttpCall, failure
from lambent.gateway.apis.http_function import TOO_LARGE
from lambent.gateway.apis.http_route import ServedRoute
from lambent.gateway.apis.metrics import of_http, of_stage
from lambent.gateway.apis.routes import RouteTable
from lambent.gateway.exchange import Exchange, Step
from lambent.model.apis import HttpApi, HttpStage

NOT_FOUND = "Not Found"
NO_STAGE, NO_PLACE = HttpStage(""), Place("", "/", "")


class ServedStage:
    """One stage: its routes in a table, and what writes its access log."""

    def __init__(self, api: HttpApi, stage: HttpStage, tools: Tools) -> None:
        self.stage = stage
        self.table = RouteTable((each.key, ServedRoute(api, stage.name, each, tools)) for each in stage.routes)
        self.gauges = (tools.metrics.gauge(api, of_http, *of_stage("ApiId", api.api_id, stage.name)),)
        self.line: AccessLine | None = None
        if stage.access_log is not None:
            name = "default" if stage.name == DEFAULT else stage.name
            self.line = tools.access_logs.line_of(stage.access_log, f"{api.api_id}/{name}")


class ServedHttpApi:
    """See `gateway.apis.api` for the contract."""

    def __init__(self, api: HttpApi, tools: Tools) -> None:
        self.api, self._tools = api, tools
        self._stages = {name: ServedStage(api, stage, tools) for name, stage in api.stages.items()}

    def __call__(self, exchange: Exchange, address: ApiAddress) -> Step | Awaitable[Step]:
        place = None if self.api.closed and not address.custom else place_of(address, self._stages)
        if place is None:
            nowhere = HttpCall(exchange, self.api, NO_STAGE, NO_PLACE, address.domain)
            return nowhere.complete(failure(404, NOT_FOUND))
        served, request = self._stages[place.stage], exchange.request
        call = HttpCall(exchange, self.api, served.stage, place, address.domain)
        call.measure(self._tools.clock)
        call.line, call.gauges = served.line, served.gauges
        early = cors.preflight(served.stage.cors, request, 204)
        if early is not None:
            return call.complete(early, is_preflight=True)
        if sizes.head_bytes(request) > self._tools.rules.head_bytes:
            return call.refused(failure(431, sizes.HEAD_TOO_LARGE), sizes.HEAD_TOO_LARGE)
        if len(request.body) > self._tools.rules.request_bytes:
            return call.refused(failure(413, TOO_LARGE), TOO_LARGE)
        match = served.table.match(request.method, place.path)
        if match is None:
            return call.refused(failure(404, NOT_FOUND), NOT_FOUND)
        call.route_key, call.parameters = match.route.key, match.parameters
        call.gauges += match.route.gauges
        return match.route(call)
