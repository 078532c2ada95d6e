"""API Gateway in control, connected: the services, and what edges ask about APIs.

The throttles of APIs are here for the same reason that those of functions are in placement: only control sees all
edges. What is lent is a tenth of a second's worth at most.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

import structlog

from lambent.arn import parse_arn
from lambent.clock import Clock
from lambent.config import Quotas
from lambent.errors import ServiceError
from lambent.ids import Ids
from lambent.model.apis import PRINCIPAL, CompiledApi, DomainMapping
from lambent.model.http import HttpResponse
from lambent.model.messages import AccessLines, ApiRateQuery, Invalidate, InvokeQuery, Measured, RateGrant
from lambent.model.meter import Collector
from lambent.model.rest_api import KeyUse, KeyVerdict, ServiceCall
from lambent.placement.buckets import Buckets
from lambent.placement.throttle import Reason
from lambent.roles.control_links import Edges
from lambent.roles.service_calls import ServiceCalls
from lambent.services.apigateway.api import Links as RestLinks
from lambent.services.apigateway.api import RestApisService
from lambent.services.apigatewayv2.api import Links
from lambent.services.apigatewayv2.service import ApiGatewayV2Service
from lambent.services.lambda_.api import Caller
from lambent.services.lambda_.service import LambdaService
from lambent.services.logs.api import LogsService
from lambent.services.operation import Answer, Operation, Request, RequestContext
from lambent.store.api import Database
from lambent.transport.peer import Method, Methods, Peer

LENT_AT_ONCE, WINDOW_S, NEVER_S = 0.1, 1.0, 1.0
Open = Callable[[str, str], Awaitable[Database]]

log = structlog.get_logger()


class Neighbours(NamedTuple):
    """The services that API Gateway works with."""

    lambda_: LambdaService
    logs: LogsService
    meter: Collector


class ApiGateway:
    """Made by `build_api_gateway`."""

    def __init__(self, v2: ApiGatewayV2Service, rest: RestApisService, to: Neighbours, clock: Clock) -> None:
        self._v2, self._rest, self._clock = v2, rest, clock
        self._lambda, self._logs, self._meter = to
        self._buckets = Buckets[str](WINDOW_S)
        self.service_calls: ServiceCalls | None = None  # made once all services are

    @property
    def operations(self) -> dict[str, Mapping[str, Operation]]:
        """Of each service, for the dispatcher."""
        return {"apigatewayv2": self._v2.operations, "apigateway": self._rest.operations}

    def methods(self, keeper: set[asyncio.Task[None]]) -> Methods:
        """What edges may ask. `keeper` owns the calls that go on when their edge dies."""
        return {
            "api": Method(str, self._api),
            "domains": Method(None, self._domains),
            "may_invoke": Method(InvokeQuery, self._may_invoke),
            "access_logs": Method(AccessLines, self._access_logs, keeper),
            "measured": Method(Measured, self._measured),
            "api_requests": Method(ApiRateQuery, self._api_requests),
            "spend": Method(KeyUse, self._spend),
            "call_service": Method(ServiceCall, self._call_service, keeper),
        }

    async def close(self) -> None:
        """Wait for changes in hand."""
        await self._v2.close()
        await self._rest.close()

    async def _api(self, _: Peer, api_id: str) -> CompiledApi | None:
        return await self._v2.compiled(api_id) or await self._rest.serving.api(api_id)

    async def _call_service(self, _: Peer, call: ServiceCall) -> HttpResponse:
        assert self.service_calls is not None
        return await self.service_calls.answer(call)

    async def _spend(self, _: Peer, use: KeyUse) -> KeyVerdict:
        return await self._rest.usage.spend(use)

    async def _domains(self, _peer: Peer, _body: None) -> dict[str, list[DomainMapping]]:
        return await self._v2.domains()

    async def _may_invoke(self, _: Peer, query: InvokeQuery) -> bool:
        if query.caller is not None:
            invoker = Caller(query.caller.arn, role_arn=query.caller.role_arn)
            return await self._lambda.permissions.admits(query.function, query.qualifier, invoker)
        caller = Caller(PRINCIPAL, query.source_arn, query.source_arn.split(":")[4])
        return await self._lambda.permissions.allows(query.function, query.qualifier, caller)

    async def _api_requests(self, _: Peer, query: ApiRateQuery) -> RateGrant:
        rate, burst = query.throttle.rate, query.throttle.burst
        if rate <= 0 or burst < 1:
            return RateGrant(0, NEVER_S, Reason.ACCOUNT_RATE.value)
        wanted = min(query.wanted, max(1, int(rate * LENT_AT_ONCE)))
        key = f"{query.name} {rate} {burst}"
        tokens = self._buckets.take(key, burst, wanted, self._clock.monotonic_s(), burst / rate)
        if tokens:
            return RateGrant(tokens)
        return RateGrant(0, self._buckets.wait_s(key, burst), Reason.ACCOUNT_RATE.value)

    async def _measured(self, _: Peer, what: Measured) -> None:
        for each in what.collected:
            self._meter.collect(each)

    async def _access_logs(self, _: Peer, what: AccessLines) -> None:
        """Each stream's lines at once. Those for a group that is gone are lost, as in AWS."""
        streams: dict[tuple[str, str], list[tuple[int, str]]] = {}
        for line in what.lines:
            streams.setdefault((line.group_arn, line.stream), []).append((line.at_ms, line.text))
        for (group_arn, stream), lines in streams.items():
            arn = parse_arn(group_arn)
            group = arn.resource.removeprefix("log-group:").removesuffix(":*")
            try:
                await self._logs.appending.append_all((arn.account, arn.region), group, stream, lines)
            except ServiceError as error:
                log.warning(f"an access log is lost: {error}", action="api.access_log", group=group)


class Domains:
    """Custom domain names for REST APIs: those of API Gateway v2, which is made after them."""

    v2: ApiGatewayV2Service

    async def ask(self, operation: str, context: RequestContext, request: Request) -> Answer:
        """See `services.apigateway.domain_names`."""
        return await self.v2.operations[operation](context, request) or {}

    async def leading_to(self, api_id: str, stage: str = "") -> str | None:
        """See there."""
        return await self.v2.domain_that_leads_to(api_id, stage)


async def build_api_gateway(
    open_: Open, context: tuple[Clock, Ids, Quotas], edges: Edges, to: Neighbours
) -> ApiGateway:
    """Open the databases and make the services."""
    clock, ids, quotas = context

    async def announce(api_id: str) -> None:
        await edges.broadcast(Invalidate(apis=[api_id]))

    async def announce_domains(_: str) -> None:
        await edges.broadcast(Invalidate(domains=True))

    rest_database = await open_("apigateway", "lambent.services.apigateway")
    domains = Domains()
    rest = RestApisService(rest_database, clock, ids, RestLinks(announce, edges.try_rest, domains), quotas)
    database = await open_("apigatewayv2", "lambent.services.apigatewayv2")
    links = Links(announce, announce_domains, rest.serving.stages)
    domains.v2 = v2 = ApiGatewayV2Service(database, clock, ids, links, quotas)
    return ApiGateway(v2, rest, to, clock)
