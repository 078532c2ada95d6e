"""The APIs of an edge, connected: what finds them, what serves each kind, and what is forgotten when."""

from collections.abc import Mapping

from lambent.clock import Clock
from lambent.config import Settings
from lambent.gateway.apis.access_log import AccessLogs
from lambent.gateway.apis.api import Rules, Serve, ServedApi, Tools
from lambent.gateway.apis.authorizers.answers import Verdicts
from lambent.gateway.apis.authorizers.keys import IssuerKeys
from lambent.gateway.apis.cache import ApiCache
from lambent.gateway.apis.domains import Domains
from lambent.gateway.apis.http_api import ServedHttpApi
from lambent.gateway.apis.metrics import ApiMetrics
from lambent.gateway.apis.stage import Apis
from lambent.gateway.apis.throttles import Throttles
from lambent.gateway.invoke_streamed import Begin
from lambent.gateway.permits import Permits
from lambent.gateway.rest import trials
from lambent.gateway.rest.ports import Ports as RestPorts
from lambent.gateway.rest.served import ServedRestApi
from lambent.model.apis import CompiledApi, HttpApi, Throttle, WebSocketApi
from lambent.model.messages import Invalidate, InvokeQuery
from lambent.model.rest_api import RestApi, RestTrial, TrialOutcome
from lambent.roles.edge_links import ControlLink
from lambent.roles.edge_websockets import EdgeWebSockets, Whereabouts
from lambent.roles.outbound import Outbound


class EdgeApis:
    """Made by the edge; `stage` stands before authentication."""

    def __init__(
        self, control: ControlLink, begin: Begin, clock: Clock, settings: Settings, where: Whereabouts
    ) -> None:
        quotas = settings.quotas
        rate = quotas.api_requests_per_s
        self._outbound = Outbound(settings.endpoint_allow)
        self.permits, self._verdicts = Permits(control.may_invoke), Verdicts(clock)
        self._access_logs, self.metrics = AccessLogs(control.access_logs, clock), ApiMetrics(control.measured, clock)
        tools = Tools(
            begin,
            self.permits,
            clock,
            Rules(quotas.api_head_bytes, quotas.api_request_bytes, quotas.sync_payload_bytes, quotas.api_request_bytes),
            Throttles(control.api_requests, Throttle(rate, quotas.api_burst) if rate else None, clock),
            self._access_logs,
            self.metrics,
            where.authenticate,
            IssuerKeys(self._outbound.send, clock),
            self._verdicts,
            self._outbound.send,
        )
        self._websockets = EdgeWebSockets(tools, where, quotas, self._find)
        self._rest = rest = RestPorts(tools, clock, where.ids, control.spend, control.enqueue, control.call_service)
        kinds: Mapping[type, Serve] = {
            HttpApi: lambda api: ServedHttpApi(api, tools),
            WebSocketApi: self._websockets.serve,
            RestApi: lambda api: ServedRestApi(api, rest),
        }
        self._cache = ApiCache(control.api, kinds)
        self._domains = Domains(control.domains)
        self.stage = Apis(self._cache, self._domains, quotas.api_request_bytes)
        self.sockets = self._websockets.sockets

    async def _find(self, api_id: str) -> ServedApi | None:
        return await self._cache.get(api_id)

    def known(self, api_id: str) -> CompiledApi | None:
        """The API, if it is here."""
        served = self._cache.known(api_id)
        return None if served is None else served.api

    def permitted(self, query: InvokeQuery) -> bool | None:
        """Whether that API or caller may use that function, if it is known here."""
        return self.permits.known(query.function, query.qualifier, query.whose)

    async def try_rest(self, trial: RestTrial) -> TrialOutcome:
        """Run one method of a REST API as its owner has it now, or ask an authorizer."""
        run = trials.run_authorizer if trial.authorizer_id else trials.run
        return await run(trial, self._rest)

    def forget(self, what: Invalidate) -> None:
        """Serve nothing of this as it was."""
        self._cache.forget(what.apis)
        self._websockets.telling.forget(what.apis)
        self._verdicts.forget(what.apis)
        self.permits.forget(what.functions)
        if what.domains:
            self._domains.forget()

    def forget_all(self) -> None:
        """The same for everything."""
        self._cache.forget_all()
        self._verdicts.forget_all()
        self.permits.forget_all()
        self._domains.forget()

    async def close(self) -> None:
        """Write the last lines and counts, and hang up."""
        await self.metrics.send()
        await self._access_logs.close()
        await self._outbound.close()
