"""One request to an HTTP API and its one answer: the function's, or the platform's own.

A function that is late is not waited for: the client gets its 503 when the integration's time is up, and what the
function answers later goes nowhere.

Source: behaviours section 22 (bodies of failures); API Gateway Developer Guide, "Quotas for configuring and running
an HTTP API" (30 s).
"""

import asyncio
from collections.abc import Callable

import structlog

from lambent.errors import Unavailable
from lambent.gateway.apis.http_answer import answer_1, answer_2
from lambent.gateway.cors import Headers, with_cors
from lambent.gateway.exchange import Exchange
from lambent.gateway.urls.answer import BadAnswer
from lambent.model.apis import PayloadFormat
from lambent.model.cors import Cors
from lambent.model.http import HttpResponse
from lambent.model.invocation import InvocationResult

ID_HEADER = "apigw-requestid"
READERS: dict[str, Callable[[bytes], HttpResponse]] = {"1.0": answer_1, "2.0": answer_2}

log = structlog.get_logger()


class HttpCall:
    """Answers one exchange, once."""

    __slots__ = ("_cors", "_exchange", "_is_late", "_read", "_timer")

    def __init__(self, exchange: Exchange, cors: Cors | None) -> None:
        self._exchange, self._cors = exchange, cors
        self._read: Callable[[bytes], HttpResponse] = answer_2
        self._timer: asyncio.TimerHandle | None = None
        self._is_late = False

    def await_function(self, payload_format: PayloadFormat, timeout_ms: int) -> None:
        """From now on `done` may be called; after so long it is too late."""
        self._read = READERS[payload_format]
        self._timer = asyncio.get_running_loop().call_later(timeout_ms / 1000, self._late)

    def done(self, result: InvocationResult | Exception) -> None:
        """The invocation is over."""
        if self._is_late:
            return
        if self._timer is not None:
            self._timer.cancel()
        if isinstance(result, Exception):
            self.respond(failure(503, "Service Unavailable") if isinstance(result, Unavailable) else failure(500))
        elif result.function_error:
            self.respond(failure(503, "Service Unavailable") if result.status == "timeout" else failure(500))
        else:
            self._answer(result.payload)

    def respond(self, response: HttpResponse) -> None:
        """Send `response`."""
        self._exchange.answer(self.complete(response))

    def complete(self, response: HttpResponse) -> HttpResponse:
        """`response` with what every answer has."""
        headers: Headers = [each for each in response.headers if each[0] != ID_HEADER]
        if self._cors is not None:
            headers = with_cors(headers, self._cors, self._exchange.request.header("origin"))
        headers.append((ID_HEADER, self._exchange.request_id))
        response.headers = headers
        return response

    def _answer(self, payload: bytes) -> None:
        try:
            response = self._read(payload)
        except BadAnswer as error:
            log.warning(f"a bad answer: {error}", action="api.answer", request_id=self._exchange.request_id)
            response = failure(500)
        self.respond(response)

    def _late(self) -> None:
        self._is_late = True
        self.respond(failure(503, "Service Unavailable"))


def failure(status: int, message: str = "Internal Server Error") -> HttpResponse:
    """An answer that is the platform's own."""
    return HttpResponse(status, [("content-type", "application/json")], b'{"message":"%b"}' % message.encode())
