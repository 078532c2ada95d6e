"""A WebSocket API as an edge serves it: who may open a connection, what $connect says, and @connections.

A connection is one only once $connect has said so: until then it cannot be posted to, and $disconnect never hears of
it.

Source: API Gateway Developer Guide, "Manage connected users and client apps: $connect and $disconnect routes"; that a
function's own status is what the handshake fails with, and that a subprotocol is chosen by a header of its answer, is
told in "Requiring the WebSocket subprotocol". The answer to who asks for no WebSocket (426) is HTTP's own.
"""

from collections.abc import Awaitable
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from lambent.clock import Clock
from lambent.gateway.apis.address import ApiAddress, Place, place_of
from lambent.gateway.authentication import Authentication
from lambent.gateway.exchange import Exchange, Step
from lambent.gateway.http.handshake import PROTOCOL, complaint_about, opening, tokens
from lambent.gateway.http.streams import Upgrade
from lambent.gateway.http.websocket import WebSocket
from lambent.gateway.proxy_event import Facts
from lambent.gateway.websockets.admission import Authorizers, check_signature, identity_of
from lambent.gateway.websockets.answer import Answer, Failed, told_to_client
from lambent.gateway.websockets.connection import Connection, Surroundings
from lambent.gateway.websockets.event import CONNECT as CONNECTING
from lambent.gateway.websockets.event import Standing, connect_event
from lambent.gateway.websockets.integrations import Call
from lambent.gateway.websockets.management import PREFIX, Management
from lambent.gateway.websockets.telling import Passing
from lambent.model.apis import WebSocketApi
from lambent.model.http import HttpResponse

CONNECT = "$connect"
JSON = ("content-type", "application/json")
OURS = frozenset({"connection", "content-length", "transfer-encoding", "upgrade", PROTOCOL})


class WebSocketTools:
    """What all WebSocket APIs of an edge work with."""

    def __init__(
        self, around: Surroundings, management: Management, authenticate: Authentication, clock: Clock
    ) -> None:
        self.around, self.management, self.authenticate, self.clock = around, management, authenticate, clock
        self.authorizers = Authorizers(around.integrations)


class ServedWebSocketApi:
    """See `gateway.apis.api` for the contract."""

    def __init__(self, api: WebSocketApi, tools: WebSocketTools) -> None:
        self.api, self._tools = api, tools

    def __call__(self, exchange: Exchange, address: ApiAddress) -> Step | Awaitable[Step]:
        place = None if self.api.closed and not address.custom else place_of(address, self.api.stages)
        if place is not None and place.path.replace("%40", "@").startswith(PREFIX):
            path = place.path.replace("%40", "@")
            return self._tools.management.answer(exchange, self.api, place.stage, path)
        if place is None or place.path != "/":
            return HttpResponse(403, [JSON], b'{"message":"Forbidden"}')
        return complaint_about(exchange.request) or self._open(exchange, address, place)

    async def _open(self, exchange: Exchange, address: ApiAddress, place: Place) -> Step:
        tools, request = self._tools, exchange.request
        facts = Facts(exchange.request_id, exchange.source_ip, exchange.trace_header, tools.clock.now_ms())
        standing = Standing(
            self.api.api_id,
            self.api.account,
            place.stage,
            address.domain,
            tools.around.sockets.new_id(),
            facts.now_ms,
            exchange.source_ip,
            request.header("user-agent"),
            self.api.stages[place.stage].variables,
        )
        passing = Passing(CONNECTING, standing, facts)
        try:
            answer = await self._ask(exchange, passing)
        except Failed as failed:
            passing.failed = failed
            body = told_to_client(failed.message, standing.connection_id, facts.request_id)
            return HttpResponse(failed.status, [JSON], body)
        finally:
            tools.around.telling.tell(self.api, self.api.stages[place.stage], passing)
        if not answer.good:
            headers = [(name, value) for name, value in answer.headers.items() if name not in OURS]
            return HttpResponse(answer.status if answer.status >= 200 else 502, headers, answer.body)
        return self._connected(exchange, passing.standing, answer)

    async def _ask(self, exchange: Exchange, passing: Passing) -> Answer:
        """Whoever has a say about it; what is learned of the client is in `passing` then. Raises Failed."""
        tools, standing, facts = self._tools, passing.standing, passing.facts
        route = self.api.stages[standing.stage].routes.get(CONNECT)
        if route is None:
            return Answer(200)
        call = passing.call = Call(self.api, standing.stage, CONNECT, facts.request_id, facts.trace_header)
        await tools.around.integrations.admit(call, route)
        if route.signed:
            await check_signature(exchange, self.api, tools.authenticate)
            passing.standing = standing = msgspec.structs.replace(standing, identity=identity_of(exchange))
        if route.authorizer is not None:
            said = await tools.authorizers.ask(route.authorizer, exchange, self.api, standing, facts)
            passing.standing = standing = msgspec.structs.replace(standing, authorizer=said)
        event: dict[str, Any] = connect_event(exchange.request, standing, facts)
        passing.answer = answer = await tools.around.integrations.answer(call, route, event)
        return answer

    def _connected(self, exchange: Exchange, standing: Standing, answer: Answer) -> Upgrade:
        around, request = self._tools.around, exchange.request
        chosen = answer.headers.get(PROTOCOL, "")
        asked = tokens(request, PROTOCOL)
        way = WebSocket(around.sockets.limits, self._tools.clock)
        said = dict(request.headers), dict(parse_qsl(request.query, keep_blank_values=True))
        way.belong_to(Connection(way, standing, said, around))
        around.sockets.add(way, standing)
        return Upgrade(opening(request, chosen if chosen in asked else ""), way)
