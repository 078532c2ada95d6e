"""The stage that answers requests to function URLs. Stands before authentication, which most need not, and behind that
of APIs, whose owners' domain names are theirs whatever the path.

The way: the URL (cached), preflight, who may use it, the event, the function, its answer. A URL with
RESPONSE_STREAM sends what its function streams while it comes; what a function gives whole is
answered alike in both modes.

Source: behaviours sections 17 and 19; Lambda Developer Guide, "Invoking Lambda function URLs". That a
timeout answers 504, and x-lambent-reason, which says what a refusal is about, are our own.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from msgspec import Struct

from lambent.clock import Clock
from lambent.errors import ServiceError
from lambent.gateway import cors
from lambent.gateway.authentication import Authentication
from lambent.gateway.exchange import LATER, Exchange, Step
from lambent.gateway.invoke_streamed import Begin
from lambent.gateway.proxy_event import Facts
from lambent.gateway.urls.address import UrlAddress, address_of
from lambent.gateway.urls.cache import UrlCache
from lambent.gateway.urls.call import Call, StreamedCall, refusal
from lambent.gateway.urls.event import event_of
from lambent.invocation.records import url_record
from lambent.invocation.streaming import AnswerStream, Pace, Paced
from lambent.model.function_url import FunctionUrl, UrlAccess
from lambent.model.http import HttpResponse
from lambent.model.invocation import Invocation, InvocationRecord
from lambent.model.messages import UrlQuery
from lambent.protocol.sigv4 import credential_of

SIGNING_NAME = "lambda"
NOT_ALLOWED = (
    "Forbidden. For troubleshooting Function URL authorization issues, see: "
    "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
)
DENIED = "AccessDeniedException"


class Rules(Struct, frozen=True):
    """The settings that matter here, and where what was answered is written down."""

    payload_bytes: int
    streamed_bytes: int
    pace: Pace
    write_down: Callable[[InvocationRecord], None]


class FunctionUrls:
    """Answers requests to function URLs, and nothing else.

    Args:
        begin: runs an invocation.
        urls: the URLs, with who may use them.
        authenticate: the stage that verifies signatures, for URLs that want one.
    """

    def __init__(self, begin: Begin, urls: UrlCache, authenticate: Authentication, clock: Clock, rules: Rules) -> None:
        self._begin, self._urls, self._authenticate = begin, urls, authenticate
        self._clock, self._rules = clock, rules
        self._tasks: set[asyncio.Task[None]] = set()

    def __call__(self, exchange: Exchange) -> Step | Awaitable[Step]:
        """Answer a request to a function URL; None for every other request."""
        address = address_of(exchange.request)
        if address is None:
            return None
        query = UrlQuery(address.url_id)
        access = self._urls.known(query)
        if access is None:
            return self._look_up(exchange, address, query)
        return self._serve(exchange, address, access)

    async def _look_up(self, exchange: Exchange, address: UrlAddress, query: UrlQuery) -> Step:
        step = self._serve(exchange, address, await self._urls.get(query))
        return await step if isinstance(step, Awaitable) else step

    def _serve(
        self, exchange: Exchange, address: UrlAddress, access: UrlAccess | None
    ) -> HttpResponse | Awaitable[Step] | Step:
        trace_header = exchange.trace_header
        if access is None or address.region not in ("", access.url.key.region):
            answer = refusal(404, None, "ResourceNotFoundException", "There is no such function URL.")
            return Call(exchange, None, trace_header, _nobodys).complete(answer)
        url = access.url
        answered = self._writer(exchange, url)
        call = Call(exchange, url, trace_header, answered)
        early = cors.preflight(url.cors, exchange.request, 200)
        if early is not None:
            early.headers.append(("x-amzn-requestid", exchange.request_id))
            answered(early.status)
            return early
        if url.auth_type == "AWS_IAM":
            return self._serve_signed(exchange, address, url, call)
        if not access.allowed:
            return call.complete(_not_allowed("everyone (Principal *, FunctionUrlAuthType NONE)"))
        facts = Facts(exchange.request_id, exchange.source_ip, trace_header, self._clock.now_ms())
        return self._invoke(exchange, address, url, call, facts)

    async def _serve_signed(self, exchange: Exchange, address: UrlAddress, url: FunctionUrl, call: Call) -> Step:
        try:
            waiting = self._authenticate(exchange)
            if waiting is not None:
                await waiting
        except ServiceError as error:
            return call.complete(refusal(403, "Forbidden", DENIED, error.message))
        if (exchange.service, exchange.region) != (SIGNING_NAME, url.key.region):
            reason = f"The request must be signed for {SIGNING_NAME} in {url.key.region}."
            return call.complete(refusal(403, "Forbidden", DENIED, reason))
        assert exchange.principal is not None
        access = await self._urls.get(UrlQuery(url.url_id, exchange.principal))
        if access is None or not access.allowed:
            return call.complete(_not_allowed(exchange.principal.arn))
        facts = Facts(
            exchange.request_id,
            exchange.source_ip,
            exchange.trace_header,
            self._clock.now_ms(),
            exchange.principal,
            credential_of(exchange.request).access_key_id,
        )
        return self._invoke(exchange, address, access.url, call, facts)

    def _invoke(self, exchange: Exchange, address: UrlAddress, url: FunctionUrl, call: Call, facts: Facts) -> Step:
        event = event_of(exchange.request, address, facts)
        if len(event) > self._rules.payload_bytes:
            message = f"Request must be smaller than {self._rules.payload_bytes} bytes for the InvokeFunction operation"
            return call.complete(refusal(413, message, "RequestEntityTooLargeException"))
        invocation = Invocation(exchange.request_id, url.key, url.qualifier, event, facts.trace_header)
        if url.invoke_mode == "BUFFERED":
            self._begin(invocation, call.done, None)
            return LATER
        streamed: StreamedCall
        stream = AnswerStream(self._rules.streamed_bytes, lambda: self._spawn(streamed.answer()))
        streamed = StreamedCall(call, stream, Paced(stream, self._rules.pace, self._clock))
        self._begin(invocation, streamed.done, stream)
        return LATER

    def _writer(self, exchange: Exchange, url: FunctionUrl) -> Callable[[int], None]:
        came_ms, came_s = self._clock.now_ms(), self._clock.monotonic_s()

        def answered(status: int) -> None:
            took_us = round((self._clock.monotonic_s() - came_s) * 1e6)
            record = url_record(url.key, url.qualifier, exchange.request_id, (came_ms, took_us), status)
            self._rules.write_down(record)

        return answered

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _nobodys(_: int) -> None:
    """No function is behind this URL, so no function's metrics tell of it."""


def _not_allowed(whom: str) -> HttpResponse:
    return refusal(
        403, NOT_ALLOWED, DENIED, f"The function's resource policy does not let {whom} do lambda:InvokeFunctionUrl."
    )
