"""One request to an HTTP API: what is known of it, and its one answer.

A function that is late is not waited for: the client gets its 503 when the integration's time is up, and what the
function answers later goes nowhere. Whoever answers leaves the access log its line.

Source: behaviours section 22 (bodies of failures); API Gateway Developer Guide, "Quotas for configuring and running
an HTTP API" (30 s) and "Troubleshooting issues with HTTP API Lambda integrations".
"""

import asyncio
from collections.abc import Callable
from typing import Any

import structlog

from lambent.clock import Clock
from lambent.errors import Unavailable
from lambent.gateway.apis.access_log import AccessLine
from lambent.gateway.apis.address import Place
from lambent.gateway.apis.context import CallContext
from lambent.gateway.apis.http_answer import answer_1, answer_2
from lambent.gateway.apis.metrics import Gauge, Happened
from lambent.gateway.cors import with_cors
from lambent.gateway.exchange import Exchange
from lambent.gateway.urls.answer import BadAnswer
from lambent.model.apis import HttpApi, HttpStage, PayloadFormat
from lambent.model.http import HttpRequest, HttpResponse
from lambent.model.invocation import InvocationResult

ID_HEADER = "apigw-requestid"
READERS: dict[str, Callable[[bytes], HttpResponse]] = {"1.0": answer_1, "2.0": answer_2}
Change = Callable[["HttpCall", HttpResponse], HttpResponse]

log = structlog.get_logger()


class HttpCall(CallContext):
    """Answers one exchange, once.

    `request` is the exchange's, or what parameter mapping made of it. `authorizer` is what an authorizer said, under
    its kind: iam, jwt or lambda. `change_answer` is what parameter mapping does to the integration's answer.
    """

    __slots__ = (
        "_begun_s",
        "_clock",
        "_integration_begun_s",
        "_is_late",
        "_read",
        "_timer",
        "authorizer",
        "change_answer",
        "gauges",
        "line",
        "request",
        "source_arn",
        "stage",
        "trace_header",
    )

    def __init__(self, exchange: Exchange, api: HttpApi, stage: HttpStage, place: Place, domain: str) -> None:
        super().__init__(exchange, api, place, domain, stage.variables)
        self.stage = stage
        self.request: HttpRequest = exchange.request
        self.source_arn = ""
        self.authorizer: dict[str, dict[str, Any]] | None = None
        self.change_answer: Change | None = None
        self.line: AccessLine | None = None
        self.gauges: tuple[Gauge[Happened], ...] = ()
        self.trace_header = exchange.trace_header
        self._clock: Clock | None = None
        self._begun_s = self._integration_begun_s = 0.0
        self._read: Callable[[bytes], HttpResponse] = answer_2
        self._timer: asyncio.TimerHandle | None = None
        self._is_late = False

    def measure(self, clock: Clock) -> None:
        """From now on it is known how long things take."""
        self._clock = clock
        self.now_ms, self._begun_s = clock.now_ms(), clock.monotonic_s()

    def begin_integration(self) -> None:
        """The integration's time begins."""
        if self._clock is not None:
            self._integration_begun_s = self._clock.monotonic_s()

    def await_function(self, payload_format: PayloadFormat, timeout_ms: int) -> None:
        """From now on `done` may be called; after so long it is too late."""
        self.begin_integration()
        self._read = READERS[payload_format]
        self._timer = asyncio.get_running_loop().call_later(timeout_ms / 1000, self._late)

    def done(self, result: InvocationResult | Exception) -> None:
        """The invocation is over."""
        if self._is_late:
            return
        if self._timer is not None:
            self._timer.cancel()
        if isinstance(result, Exception):
            away = isinstance(result, Unavailable)
            self.exchange.answer(self.failed(f"The function was not invoked: {result}", away=away))
        elif result.function_error:
            why = f"The Lambda function returned an error: {result.error_type or result.status}"
            self.exchange.answer(self.failed(why, away=result.status == "timeout"))
        else:
            self._answer(result.payload)

    def answered(self, response: HttpResponse) -> HttpResponse:
        """What is sent when the integration answers `response`."""
        self.integration_status = response.status
        self._end_integration()
        if self.change_answer is not None:
            response = self.change_answer(self, response)
        return self.complete(response)

    def failed(self, why: str, *, away: bool = False) -> HttpResponse:
        """What is sent when the integration failed; `away`: it does not answer."""
        self.integration_error = why
        self._end_integration()
        return self.complete(failure(503, "Service Unavailable") if away else failure(500))

    def complete(self, response: HttpResponse, *, is_preflight: bool = False) -> HttpResponse:
        """`response` with what every answer has; that to a preflight says all about CORS itself."""
        headers = [each for each in response.headers if each[0] != ID_HEADER]
        if self.stage.cors is not None and not is_preflight:
            headers = with_cors(headers, self.stage.cors, self.exchange.request.header("origin"))
        headers.append((ID_HEADER, self.exchange.request_id))
        response.headers = headers
        if self._clock is not None:
            self._tell(response, self._clock)
        return response

    def refused(self, response: HttpResponse, message: str) -> HttpResponse:
        """What is sent when nothing was asked: the platform's own word."""
        self.message = message
        return self.complete(response)

    def _tell(self, response: HttpResponse, clock: Clock) -> None:
        """To metrics and the access log."""
        self.status, self.response_bytes = response.status, len(response.body)
        self.response_ms = round((clock.monotonic_s() - self._begun_s) * 1000)
        data_bytes = len(self.exchange.request.body) + self.response_bytes
        what = Happened(response.status, self.response_ms, self.integration_ms, data_bytes)
        for gauge in self.gauges:
            gauge.see(self.now_ms, what)
        if self.line is not None:
            self.line(self)

    def _answer(self, payload: bytes) -> None:
        try:
            response = self._read(payload)
        except BadAnswer as error:
            log.warning(f"a bad answer: {error}", action="api.answer", request_id=self.exchange.request_id)
            response = self.failed(f"The function's answer is no HTTP answer: {error}")
        else:
            response = self.answered(response)
        self.exchange.answer(response)

    def _late(self) -> None:
        self._is_late = True
        self.exchange.answer(self.failed("The integration timed out.", away=True))

    def _end_integration(self) -> None:
        if self._clock is not None:
            self.integration_ms = round((self._clock.monotonic_s() - self._integration_begun_s) * 1000)


def failure(status: int, message: str = "Internal Server Error") -> HttpResponse:
    """An answer that is the platform's own."""
    return HttpResponse(status, [("content-type", "application/json")], b'{"message":"%b"}' % message.encode())
