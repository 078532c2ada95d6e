"""A REST API as an edge serves it: stage, canary, method; then the way (way.py).

Source: API Gateway Developer Guide, "Set up an API Gateway canary release deployment". That an unknown stage answers
403 Forbidden and an unknown path 403 Missing Authentication Token is recorded behaviour.
"""

from collections.abc import Awaitable

from lambent.gateway.apis import sizes
from lambent.gateway.apis.access_log import AccessLine, from_tree
from lambent.gateway.apis.address import ApiAddress, place_of
from lambent.gateway.apis.metrics import Gauge, Happened, of_method, of_rest, of_stage
from lambent.gateway.exchange import Exchange, Step
from lambent.gateway.proxy_event import Facts
from lambent.gateway.rest import access_lines, refusals, way
from lambent.gateway.rest.calls import RestCall
from lambent.gateway.rest.plans import ApiPlan, MethodPlan
from lambent.gateway.rest.ports import Ports
from lambent.gateway.rest.refusals import Refused
from lambent.model.apis import AccessLog
from lambent.model.http import HttpResponse
from lambent.model.rest_api import RestApi, RestStage

FORBIDDEN = b'{"message":"Forbidden"}'


class ServedRestApi:
    """See `gateway.apis.api` for the contract."""

    def __init__(self, api: RestApi, ports: Ports) -> None:
        self.api, self._ports = api, ports
        self._plans: dict[tuple[str, bool], ApiPlan] = {}
        logs = ports.tools.access_logs
        self._lines: dict[str, AccessLine] = {
            name: logs.line_of(AccessLog(*stage.log), f"{api.api_id}/{name}", from_tree)
            for name, stage in api.stages.items()
            if stage.log is not None
        }
        self._stage_gauges = {
            name: ports.tools.metrics.gauge(api, of_rest, *of_stage("ApiName", stage.document.api["name"], name))
            for name, stage in api.stages.items()
        }
        self._gauges: dict[tuple[str, MethodPlan | None, str], tuple[Gauge[Happened], ...]] = {}

    def __call__(self, exchange: Exchange, address: ApiAddress) -> Step | Awaitable[Step]:
        place = place_of(address, self.api.stages)
        request = exchange.request
        facts = Facts(exchange.request_id, exchange.source_ip, exchange.trace_header, self._ports.clock.now_ms())
        if place is None:
            return HttpResponse(
                403,
                [
                    ("content-type", "application/json"),
                    ("x-amzn-errortype", "ForbiddenException"),
                    ("x-amzn-requestid", exchange.request_id),
                ],
                FORBIDDEN,
            )
        call = RestCall(self.api, place, address.domain, request, facts)
        call.begun_s = self._ports.clock.monotonic_s()
        stage = self.api.stages[place.stage]
        call.plan = self._plan(stage, call)
        if call.plan.document.api.get("disableExecuteApiEndpoint") and not address.custom:
            return self._refused(call, Refused("ACCESS_DENIED", "Forbidden", error_type="ForbiddenException"))
        if sizes.head_bytes(request) > self._ports.tools.rules.head_bytes:
            return self._refused(call, Refused("DEFAULT_4XX", sizes.HEAD_TOO_LARGE, 431))
        if len(request.body) > self._ports.tools.rules.request_bytes:
            return self._refused(call, Refused("REQUEST_TOO_LARGE"))
        found = call.plan.find(request.method, place.path)
        if found is None:
            return self._refused(call, Refused("MISSING_AUTHENTICATION_TOKEN"))
        call.method, call.path_parameters = found
        return self._answer(exchange, call, found[0])

    async def _answer(self, exchange: Exchange, call: RestCall, method: MethodPlan) -> Step:
        return self._complete(call, await way.answer(call, method, self._ports, exchange))

    def _refused(self, call: RestCall, refused: Refused) -> HttpResponse:
        return self._complete(call, refusals.answer_of(refused, call))

    def _complete(self, call: RestCall, response: HttpResponse) -> HttpResponse:
        """`response` with what every answer has."""
        response.headers = [
            ("x-amzn-requestid", call.facts.request_id),
            ("x-amz-apigw-id", call.extended_id),
            ("x-amzn-trace-id", call.facts.trace_header),
            *(each for each in response.headers if each[0] not in ("x-amzn-requestid", "x-amz-apigw-id")),
        ]
        took_ms = round((self._ports.clock.monotonic_s() - call.begun_s) * 1000)
        what = Happened(response.status, took_ms, call.integration_ms)
        for gauge in self._gauges_of(call):
            gauge.see(call.facts.now_ms, what)
        line = self._lines.get(call.place.stage)
        if line is not None:
            line(access_lines.told(call, response, took_ms))
        return response

    def _gauges_of(self, call: RestCall) -> tuple[Gauge[Happened], ...]:
        """What counts this request: its stage, and its method where the stage wants that."""
        method, verb = call.method, call.request.method
        key = (call.place.stage, method, verb)
        gauges = self._gauges.get(key)
        if gauges is None:
            stage, gauge = self.api.stages[call.place.stage], self._ports.tools.metrics.gauge
            name = stage.document.api["name"]
            gauges = (self._stage_gauges[stage.name],)
            if method is not None and way.has_metrics(stage, method.path, verb):
                gauges += (gauge(self.api, of_rest, of_method("ApiName", name, stage.name, method.verb, method.path)),)
            self._gauges[key] = gauges
        return gauges

    def _plan(self, stage: RestStage, call: RestCall) -> ApiPlan:
        """What this request meets: what was deployed, or the canary."""
        canary = stage.canary
        drawn = canary is not None and self._ports.ids.fraction() * 100 < canary.percent
        if canary is not None:
            call.is_canary = drawn
        plan = self._plans.get((stage.name, drawn))
        if plan is None:
            if drawn and canary is not None:
                plan = ApiPlan(canary.document, canary.deployment_id, canary.variables)
            else:
                plan = ApiPlan(stage.document, stage.deployment_id, stage.variables)
            self._plans[stage.name, drawn] = plan
        return plan
