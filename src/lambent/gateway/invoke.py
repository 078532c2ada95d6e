"""Invoke in the edge: from the request to the data plane and back; and InvokeAsync, its older form for events.

Source: Lambda service model, Invoke and InvokeAsync (headers, status codes); behaviours section 8.
"""

import binascii
import re
from collections.abc import Awaitable, Callable
from functools import partial
from urllib.parse import unquote

import msgspec

from lambent.config import Quotas
from lambent.gateway.admission import Admission
from lambent.gateway.exchange import LATER, Exchange, Step
from lambent.gateway.invocation_request import Requests
from lambent.model.http import HttpResponse
from lambent.model.invocation import Invocation, InvocationResult
from lambent.model.principal import Principal

PATH = re.compile(r"/2015-03-31/functions/([^/]+)/invocations/?")
OLDER_PATH = re.compile(r"/2014-11-13/functions/([^/]+)/invoke-async/?")
TYPES = ("RequestResponse", "Event", "DryRun")

Headers = list[tuple[str, str]]
Done = Callable[[InvocationResult | Exception], None]


class Invoking:
    """The stage that answers Invoke and InvokeAsync, and nothing else.

    Args:
        begin: runs an invocation, and calls back with its result or with why there is none.
        enqueue: keeps an asynchronous one; it is on disk when this returns.
        admission: who may invoke.
    """

    def __init__(
        self,
        begin: Callable[[Invocation, Done], None],
        enqueue: Callable[[Invocation], Awaitable[None]],
        admission: Admission,
        quotas: Quotas,
    ) -> None:
        self._begin, self._enqueue, self._admission = begin, enqueue, admission
        self._requests = Requests(quotas, TYPES)

    def __call__(self, exchange: Exchange) -> Step | Awaitable[Step]:
        """Answer an Invoke or InvokeAsync; None for every other request."""
        request = exchange.request
        if request.method != "POST" or exchange.service != "lambda":
            return None
        headers = dict(request.headers)
        match = PATH.fullmatch(request.path)
        if match is None:
            match = OLDER_PATH.fullmatch(request.path)
            if match is None:
                return None
            headers["x-amz-invocation-type"] = "Event"
        kind, invocation = self._requests.read(exchange, unquote(match[1]), headers)
        trace = [("x-amzn-requestid", exchange.request_id), ("x-amzn-trace-id", invocation.trace_header)]
        assert exchange.principal is not None
        if kind != "RequestResponse":
            return self._without_result(exchange.principal, invocation, kind, trace)
        done = partial(_tell, exchange, trace, "x-lambent-explain" in headers)
        if not self._admission.settled(exchange.principal, invocation):
            return self._judged(exchange.principal, invocation, done)
        self._begin(invocation, done)
        return LATER

    async def _judged(self, caller: Principal, invocation: Invocation, done: Done) -> Step:
        await self._admission.check(caller, invocation)
        self._begin(invocation, done)
        return LATER

    async def _without_result(
        self, caller: Principal, invocation: Invocation, kind: str, trace: Headers
    ) -> HttpResponse:
        await self._admission.check(caller, invocation)
        if kind == "DryRun":
            return HttpResponse(204, trace)
        await self._enqueue(invocation)
        return HttpResponse(202, trace)


def _timing(result: InvocationResult) -> str:
    """Where the time went, in milliseconds, as W3C's Server Timing has it; warm: only the invocation itself."""
    start = {} if result.start is None else msgspec.structs.asdict(result.start)
    spans = {name.removesuffix("_us"): span_us for name, span_us in start.items()} | {"invoke": result.duration_us}
    return ", ".join(f"{name};dur={span_us / 1000:.3f}" for name, span_us in spans.items())


def _tell(exchange: Exchange, headers: Headers, explain: bool, result: InvocationResult | Exception) -> None:
    if isinstance(result, Exception):
        exchange.fail(result)
        return
    if explain:
        headers.append(("server-timing", _timing(result)))
    exchange.answer(_answer(result, headers))


def _answer(result: InvocationResult, headers: Headers) -> HttpResponse:
    headers.append(("content-type", "application/json"))
    headers.append(("x-amzn-remapped-content-length", "0"))
    headers.append(("x-amz-executed-version", result.executed_version))
    if result.function_error:
        headers.append(("x-amz-function-error", result.function_error))
    if result.log_tail:
        headers.append(("x-amz-log-result", binascii.b2a_base64(result.log_tail, newline=False).decode()))
    return HttpResponse(200, headers, result.payload)
