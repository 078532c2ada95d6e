"""A route of an HTTP API, ready to be served: throttle, authorizer, parameter mapping and integration, in this order.

A route that has none of the first three costs nothing for them.
"""

from collections.abc import Awaitable, Callable

from lambent.gateway.apis.api import Tools
from lambent.gateway.apis.authorizers.function import FunctionAuthorization
from lambent.gateway.apis.authorizers.iam import IamAuthorization
from lambent.gateway.apis.authorizers.jwt import JwtAuthorization
from lambent.gateway.apis.expressions import Scene
from lambent.gateway.apis.http_call import Change, HttpCall, failure
from lambent.gateway.apis.http_function import FunctionIntegration
from lambent.gateway.apis.http_proxy import ProxyIntegration
from lambent.gateway.apis.metrics import Gauge, Happened, of_http, of_method
from lambent.gateway.apis.parameters import request_change, response_change
from lambent.gateway.apis.refusals import Refused
from lambent.gateway.apis.routes import DEFAULT
from lambent.gateway.exchange import Step
from lambent.model.apis import FunctionTarget, HttpApi, HttpRoute, IamAuthorizer, JwtAuthorizer

TOO_MANY = "Too Many Requests"
Authorize = Callable[[HttpCall], Awaitable[None]]
Integrate = Callable[[HttpCall], Step | Awaitable[Step]]


class ServedRoute:
    """One route of a stage."""

    def __init__(self, api: HttpApi, stage: str, route: HttpRoute, tools: Tools) -> None:
        self.key, self._tools = route.key, tools
        self._path = "" if route.key == DEFAULT else route.key.partition(" ")[2]
        self._arn = f"arn:aws:execute-api:{api.region}:{api.account}:{api.api_id}/{stage}/"
        self.gauges = gauges(api, stage, route, tools)
        self._buckets = tools.throttles.buckets(api, stage, route.key, route.throttle)
        self._authorize = authorization(route, tools)
        self._change_request = request_change(route.request_parameters)
        self._change_answer = answer_change(route)
        self._integrate = integration(route, tools)

    def __call__(self, call: HttpCall) -> Step | Awaitable[Step]:
        """Answer."""
        call.source_arn = self._arn + (call.exchange.request.method + self._path if self._path else DEFAULT)
        if self._buckets or self._authorize is not None:
            return self._guarded(call)
        return self._serve(call)

    async def _guarded(self, call: HttpCall) -> Step:
        if not await self._tools.throttles.admit(self._buckets):
            return call.refused(failure(429, TOO_MANY), TOO_MANY)
        if self._authorize is not None:
            try:
                await self._authorize(call)
            except Refused as refused:
                return call.refused(refused.response, refused.message)
        step = self._serve(call)
        return await step if isinstance(step, Awaitable) else step

    def _serve(self, call: HttpCall) -> Step | Awaitable[Step]:
        if self._change_request is not None:
            call.request, path = self._change_request(Scene(call, call.exchange.request))
            if path is not None:
                call.place = call.place._replace(path=path)
        call.change_answer = self._change_answer
        return self._integrate(call)


def gauges(api: HttpApi, stage: str, route: HttpRoute, tools: Tools) -> tuple[Gauge[Happened], ...]:
    """What counts for the route alone, where the stage wants detailed metrics."""
    if not route.detailed_metrics:
        return ()
    method, _, path = route.key.partition(" ")
    return (tools.metrics.gauge(api, of_http, of_method("ApiId", api.api_id, stage, method, path or method)),)


def authorization(route: HttpRoute, tools: Tools) -> Authorize | None:
    """Who decides who may come in; None where everybody may."""
    wanted = route.authorizer
    if wanted is None:
        return None
    if isinstance(wanted, IamAuthorizer):
        return IamAuthorization(tools.authenticate)
    if isinstance(wanted, JwtAuthorizer):
        return JwtAuthorization(wanted, tools.keys, tools.clock)
    return FunctionAuthorization(wanted, tools.begin, tools.permits, tools.verdicts)


def integration(route: HttpRoute, tools: Tools) -> Integrate:
    """What answers."""
    if route.target is None:
        return lambda call: call.failed("The route has no integration that can be found.")
    if isinstance(route.target, FunctionTarget):
        return FunctionIntegration(route.target, tools)
    return ProxyIntegration(route.target, tools.send, tools.rules.answer_bytes)


def answer_change(route: HttpRoute) -> Change | None:
    """What is done to the integration's answer; None for nothing."""
    change = response_change(route.response_parameters)
    if change is None:
        return None
    return lambda call, response: change(Scene(call, call.request, response), response)
