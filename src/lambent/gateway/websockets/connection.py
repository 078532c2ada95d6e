"""One client of a WebSocket API: its messages go to routes, and its end to $disconnect.

The API is looked up for each message, so that a deployment that was acknowledged is what the next message meets, on
connections that were there before too. A client whose API or stage has gone is sent away.

Source: API Gateway Developer Guide, "Working with routes for WebSocket APIs" (no match goes to $default; without one
the client is told so), "Set up a route response for a WebSocket API" (two-way communication).
"""

from collections.abc import Awaitable, Callable, Mapping

import msgspec

from lambent.errors import Unavailable
from lambent.gateway.http.websocket import AWAY, Ended, Ending, NotReading, WebSocket
from lambent.gateway.proxy_event import Facts
from lambent.gateway.websockets.answer import FORBIDDEN, Failed, told_to_client
from lambent.gateway.websockets.event import Standing, disconnect_event, message_event
from lambent.gateway.websockets.held import GOING_AWAY, Sockets
from lambent.gateway.websockets.integrations import Call, Integrations
from lambent.ids import Ids
from lambent.model.apis import WebSocketApi, WebSocketStage
from lambent.model.selection import Sources, selector_of
from lambent.model.trace import new_trace

DEFAULT, DISCONNECT = "$default", "$disconnect"

FindApi = Callable[[str], Awaitable[WebSocketApi | None]]


class Surroundings:
    """What all connections of an edge work with.

    Args:
        find_api: the API as it is served now; None when there is none. Raises Unavailable.
    """

    def __init__(
        self, sockets: Sockets, integrations: Integrations, find_api: FindApi, now_ms: Callable[[], int], ids: Ids
    ) -> None:
        self.sockets, self.integrations, self.find_api, self.ids = sockets, integrations, find_api, ids
        self._now_ms = now_ms

    def facts(self, source_ip: str) -> Facts:
        """Of something that happens now."""
        request_id = self.ids.uuid()
        return Facts(request_id, source_ip, new_trace(request_id), self._now_ms())


class Connection:
    """The owner of one WebSocket. Args: opening: headers and parameters of the request that opened it."""

    def __init__(
        self,
        way: WebSocket,
        standing: Standing,
        opening: tuple[Mapping[str, str], Mapping[str, str]],
        around: Surroundings,
    ) -> None:
        self._way, self._standing, self._opening, self._around = way, standing, opening, around

    def message(self, text: str) -> None:
        self._around.sockets.spawn(self._take(text))

    def ended(self, ending: Ending) -> None:
        self._around.sockets.remove(self._standing.connection_id)
        self._around.sockets.spawn(self._tell_end(ending))

    async def _take(self, text: str) -> None:
        facts = self._around.facts(self._standing.source_ip)
        try:
            reply = await self._reply_or_words(text, facts)
            if reply:
                await self._way.send(reply)
        except (Ended, NotReading):
            pass  # it asked, and does not hear the answer
        finally:
            self._way.handled()

    async def _reply_or_words(self, text: str, facts: Facts) -> bytes:
        try:
            return await self._reply(text, facts)
        except Failed as failed:
            return told_to_client(failed.message, self._standing.connection_id, facts.request_id)

    async def _reply(self, text: str, facts: Facts) -> bytes:
        """What the client is to hear. Raises Failed."""
        found = await self._find()
        if found is None:
            self._way.close(GOING_AWAY, AWAY)
            return b""
        api, stage = found
        key = selector_of(api.selection)(Sources(text, *self._opening))
        route = (stage.routes.get(key) if key and not key.startswith("$") else None) or stage.routes.get(DEFAULT)
        if route is None:
            raise Failed(403, FORBIDDEN)
        standing = msgspec.structs.replace(self._standing, variables=stage.variables)
        event = message_event(standing, route.key, text, facts, self._around.sockets.new_id())
        call = Call(api, stage.name, route.key, facts.request_id, facts.trace_header)
        await self._around.integrations.admit(call, route)
        answer = await self._around.integrations.answer(call, route, event)
        if not route.answers:
            return b""
        if len(answer.body) > self._around.sockets.limits.message_bytes:
            raise Failed(500)
        return answer.body

    async def _tell_end(self, ending: Ending) -> None:
        facts = self._around.facts(self._standing.source_ip)
        try:
            found = await self._find()
            route = None if found is None else found[1].routes.get(DISCONNECT)
            if found is None or route is None:
                return
            api, stage = found
            standing = msgspec.structs.replace(self._standing, variables=stage.variables)
            call = Call(api, stage.name, DISCONNECT, facts.request_id, facts.trace_header)
            event = disconnect_event(standing, ending, facts)
            await self._around.integrations.answer(call, route, event)
        except Failed:
            pass  # nobody is there to be told

    async def _find(self) -> tuple[WebSocketApi, WebSocketStage] | None:
        try:
            api = await self._around.find_api(self._standing.api_id)
        except Unavailable:
            raise Failed(503, "Service Unavailable") from None
        stage = None if api is None else api.stages.get(self._standing.stage)
        return None if api is None or stage is None else (api, stage)
