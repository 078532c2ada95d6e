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
from lambent.gateway.websockets.event import DISCONNECT as DISCONNECTED
from lambent.gateway.websockets.event import MESSAGE, Standing, disconnect_event, message_event
from lambent.gateway.websockets.held import GOING_AWAY, Sockets
from lambent.gateway.websockets.integrations import Call, Integrations
from lambent.gateway.websockets.telling import Passing, Telling
from lambent.model.apis import WebSocketApi, WebSocketStage
from lambent.model.selection import Sources, selector_of

DEFAULT, DISCONNECT = "$default", "$disconnect"

MakeFacts = Callable[[str], Facts]
"""From the address of the client."""
FindApi = Callable[[str], Awaitable[WebSocketApi | None]]


class Surroundings:
    """What all connections of an edge work with.

    Args:
        find_api: the API as it is served now; None when there is none. Raises Unavailable.
        facts: makes those of something that happens now.
    """

    def __init__(
        self, sockets: Sockets, integrations: Integrations, find_api: FindApi, telling: Telling, facts: MakeFacts
    ) -> None:
        self.sockets, self.integrations, self.find_api, self.telling = sockets, integrations, find_api, telling
        self.facts = facts


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
            found = await self._find()
            if found is None:
                self._way.close(GOING_AWAY, AWAY)
                return b""
            return await self._told(*found, Passing(MESSAGE, self._standing, facts), text)
        except Failed as failed:
            return told_to_client(failed.message, self._standing.connection_id, facts.request_id)

    async def _told(self, api: WebSocketApi, stage: WebSocketStage, passing: Passing, text: str) -> bytes:
        telling = self._around.telling
        try:
            reply = await self._reply(api, stage, passing, text)
            if reply:
                telling.tell_sent(api, stage, passing.facts.now_ms)
            return reply
        except Failed as failed:
            passing.failed = failed
            raise
        finally:
            telling.tell(api, stage, passing)

    async def _reply(self, api: WebSocketApi, stage: WebSocketStage, passing: Passing, text: str) -> bytes:
        """What the client is to hear. Raises Failed."""
        key = selector_of(api.selection)(Sources(text, *self._opening))
        route = (stage.routes.get(key) if key and not key.startswith("$") else None) or stage.routes.get(DEFAULT)
        if route is None:
            raise Failed(403, FORBIDDEN)
        standing = msgspec.structs.replace(self._standing, variables=stage.variables)
        facts, passing.message_id = passing.facts, self._around.sockets.new_id()
        event = message_event(standing, route.key, text, facts, passing.message_id)
        call = passing.call = Call(api, stage.name, route.key, facts.request_id, facts.trace_header)
        await self._around.integrations.admit(call, route)
        answer = passing.answer = await self._around.integrations.answer(call, route, event)
        if not route.answers:
            return b""
        if len(answer.body) > self._around.sockets.limits.message_bytes:
            raise Failed(500)
        return answer.body

    async def _tell_end(self, ending: Ending) -> None:
        passing = Passing(DISCONNECTED, self._standing, self._around.facts(self._standing.source_ip))
        try:
            found = await self._find()
        except Failed:
            return  # the API is not known, and nobody is there to be told
        if found is None:
            return
        try:
            await self._ask_disconnect(*found, passing, ending)
        except Failed as failed:
            passing.failed = failed
        finally:
            self._around.telling.tell(*found, passing)

    async def _ask_disconnect(self, api: WebSocketApi, stage: WebSocketStage, passing: Passing, ending: Ending) -> None:
        route, facts = stage.routes.get(DISCONNECT), passing.facts
        if route is None:
            return
        standing = msgspec.structs.replace(self._standing, variables=stage.variables)
        call = passing.call = Call(api, stage.name, DISCONNECT, facts.request_id, facts.trace_header)
        event = disconnect_event(standing, ending, facts)
        passing.answer = await self._around.integrations.answer(call, route, event)

    async def _find(self) -> tuple[WebSocketApi, WebSocketStage] | None:
        try:
            api = await self._around.find_api(self._standing.api_id)
        except Unavailable:
            raise Failed(503, "Service Unavailable") from None
        stage = None if api is None else api.stages.get(self._standing.stage)
        return None if api is None or stage is None else (api, stage)
