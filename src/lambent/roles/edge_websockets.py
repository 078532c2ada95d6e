"""The WebSocket APIs of an edge, connected."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from lambent.clock import Clock
from lambent.config import Quotas
from lambent.gateway.apis.api import ServedApi, Tools
from lambent.gateway.authentication import Authentication
from lambent.gateway.http.websocket import Limits
from lambent.gateway.proxy_event import Facts
from lambent.gateway.websockets.api import ServedWebSocketApi, WebSocketTools
from lambent.gateway.websockets.connection import Surroundings
from lambent.gateway.websockets.held import Sockets
from lambent.gateway.websockets.integrations import Integrations
from lambent.gateway.websockets.management import Elsewhere, Management
from lambent.gateway.websockets.telling import Telling
from lambent.ids import Ids
from lambent.model.apis import WebSocketApi
from lambent.model.trace import new_trace


class Whereabouts(NamedTuple):
    """What WebSocket APIs need of their edge: its number, who checks signatures, and the way to the other edges."""

    edge: int
    authenticate: Authentication
    elsewhere: Elsewhere
    ids: Ids


def limits_of(quotas: Quotas) -> Limits:
    """What one connection may do."""
    return Limits(
        quotas.websocket_message_bytes,
        quotas.websocket_frame_bytes,
        quotas.websocket_idle_s,
        quotas.websocket_life_s,
    )


class EdgeWebSockets:
    """`sockets` are the connections that this edge holds; its owner runs and stops them.

    Args:
        find_api: the API as it is served now, of any kind.
    """

    def __init__(
        self,
        tools: Tools,
        where: Whereabouts,
        quotas: Quotas,
        find_api: Callable[[str], Awaitable[ServedApi | None]],
    ) -> None:
        clock: Clock = tools.clock
        self._find_api = find_api
        self.sockets = Sockets(where.edge, clock, where.ids, limits_of(quotas))
        self.telling = Telling(tools.metrics, tools.access_logs)

        def facts(source_ip: str) -> Facts:
            request_id = where.ids.uuid()
            return Facts(request_id, source_ip, new_trace(request_id, clock.now_s()), clock.now_ms())

        around = Surroundings(self.sockets, Integrations(tools), self._find, self.telling, facts)
        management = Management(self.sockets, where.authenticate, where.elsewhere, self.telling)
        self._tools = WebSocketTools(around, management, where.authenticate, clock)

    def serve(self, api: WebSocketApi) -> ServedApi:
        """For the table of kinds."""
        return ServedWebSocketApi(api, self._tools)

    async def _find(self, api_id: str) -> WebSocketApi | None:
        served = await self._find_api(api_id)
        api = None if served is None else served.api
        return api if isinstance(api, WebSocketApi) else None
