"""@connections: the API with which a back end speaks to a client, looks at it, and sends it away.

An id says which edge holds the connection; that of another edge is asked over the edges' own lines, so that it does not
matter where a request arrives. An edge that cannot be reached is not one whose connections are gone: it answers 503.

Source: botocore's model `apigatewaymanagementapi` (codes and statuses); API Gateway Developer Guide, "Use @connections
commands in your backend service"; that the text for what is no id is `Invalid connectionId` is recorded behaviour.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from lambent.errors import ServiceError
from lambent.gateway.authentication import Authentication
from lambent.gateway.exchange import Exchange
from lambent.gateway.failure import service_error_of
from lambent.gateway.websockets.admission import check_signature
from lambent.gateway.websockets.answer import Failed
from lambent.gateway.websockets.held import Sockets
from lambent.gateway.websockets.ids import edge_of
from lambent.gateway.websockets.telling import Telling
from lambent.model.apis import WebSocketApi
from lambent.model.http import HttpResponse
from lambent.model.messages import ConnectionAnswer, ConnectionCall
from lambent.protocol.wires import wire_for

SERVICE = "apigatewaymanagementapi"
PREFIX = "/@connections/"
OPERATIONS = {"POST": "PostToConnection", "GET": "GetConnection", "DELETE": "DeleteConnection"}

Elsewhere = Callable[[int, ConnectionCall], Awaitable[ConnectionAnswer]]
"""Asks another edge. Raises Unavailable."""


class Gone(ServiceError):
    """The connection is no more."""

    code, status = "GoneException", 410


class PayloadTooLarge(ServiceError):
    """More than a message may have."""

    code, status = "PayloadTooLargeException", 413


class LimitExceeded(ServiceError):
    """The client does not read what it was sent before."""

    code, status = "LimitExceededException", 429


class Forbidden(ServiceError):
    """Not with this signature."""

    code, status = "ForbiddenException", 403


class BadRequest(ServiceError):
    """What is named is no connection."""

    code, status = "BadRequestException", 400


class Management:
    """Answers requests to @connections."""

    def __init__(self, sockets: Sockets, authenticate: Authentication, elsewhere: Elsewhere, telling: Telling) -> None:
        self._sockets, self._authenticate, self._elsewhere = sockets, authenticate, elsewhere
        self._message_bytes, self._telling = sockets.limits.message_bytes, telling
        self._wire = wire_for(SERVICE)

    async def answer(self, exchange: Exchange, api: WebSocketApi, stage: str, path: str) -> HttpResponse:
        """The answer to a request whose path inside the stage is `path`; errors are answers too."""
        request, operation = exchange.request, OPERATIONS.get(exchange.request.method)
        try:
            if operation is None:
                raise Forbidden("@connections takes POST, GET and DELETE.")
            output = await self._carry_out(exchange, api, stage, unquote(path[len(PREFIX) :]))
            return self._wire.answer(operation, output, request, exchange.request_id)
        except Exception as error:
            failure = service_error_of(error, operation=operation, service=SERVICE)
            return self._wire.error(failure, request, exchange.request_id, operation)

    async def _carry_out(self, exchange: Exchange, api: WebSocketApi, stage: str, connection_id: str) -> dict[str, Any]:
        try:
            await check_signature(exchange, api, self._authenticate)
        except Failed as failed:
            if failed.status >= 500:
                raise
            raise Forbidden(failed.message) from None
        edge, data = edge_of(connection_id), exchange.request.body
        if edge is None:
            raise BadRequest(f"Invalid connectionId: {connection_id}")
        if len(data) > self._message_bytes:
            raise PayloadTooLarge(f"A message has at most {self._message_bytes} bytes.")
        call = ConnectionCall(connection_id, api.api_id, stage, exchange.request.method, data)
        own = edge == self._sockets.edge
        answer = await self._sockets.serve(call) if own else await self._elsewhere(edge, call)
        if answer.status == "gone":
            raise Gone("The connection is no longer there.")
        if answer.status == "full":
            raise LimitExceeded("The client does not read what it was sent before.")
        if call.method == "POST":
            self._telling.tell_sent(api, api.stages[stage], self._sockets.now_ms())
        return _shown(answer) if call.method == "GET" else {}


def _shown(answer: ConnectionAnswer) -> dict[str, Any]:
    return {
        "ConnectedAt": datetime.fromtimestamp(answer.connected_ms / 1000, UTC),
        "LastActiveAt": datetime.fromtimestamp(answer.active_ms / 1000, UTC),
        "Identity": {"SourceIp": answer.source_ip, "UserAgent": answer.user_agent},
    }
