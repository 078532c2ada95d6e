"""The Invoke operation, in the edge: from the request to the data plane and back.

Source: Lambda service model, Invoke (headers, status codes); behaviours section 8.
"""

import binascii
import re
from collections.abc import Awaitable, Callable
from functools import partial
from urllib.parse import parse_qs, unquote

import msgspec

from lambent.config import Quotas
from lambent.errors import ServiceError, ValidationError
from lambent.gateway.exchange import LATER, Exchange, Step
from lambent.model.function_name import one_qualifier, parse_function_name
from lambent.model.http import HttpResponse
from lambent.model.invocation import Invocation, InvocationResult

PATH = re.compile(r"/2015-03-31/functions/([^/]+)/invocations/?")
TYPES = ("RequestResponse", "Event", "DryRun")
LOG_TYPES = ("None", "Tail")

Headers = list[tuple[str, str]]
Done = Callable[[InvocationResult | Exception], None]

_check_json = msgspec.json.Decoder(msgspec.Raw).decode


class InvalidRequestContent(ServiceError):
    """The payload is not JSON."""

    code = "InvalidRequestContentException"


class RequestTooLarge(ServiceError):
    """The payload is over the limit of its kind."""

    code, status = "RequestTooLargeException", 413


class Invoking:
    """The stage that answers Invoke, and nothing else.

    Args:
        begin: runs an invocation, and calls back with its result or with why there is none.
        enqueue: keeps an asynchronous one; it is on disk when this returns.
        check: resolves the function without running it, as DryRun asks.
    """

    def __init__(
        self,
        begin: Callable[[Invocation, Done], None],
        enqueue: Callable[[Invocation], Awaitable[None]],
        check: Callable[[Invocation], Awaitable[object]],
        quotas: Quotas,
    ) -> None:
        self._begin, self._enqueue, self._check, self._quotas = begin, enqueue, check, quotas

    def __call__(self, exchange: Exchange) -> Step | Awaitable[Step]:
        """Answer an Invoke; None for every other request."""
        request = exchange.request
        if request.method != "POST" or exchange.service != "lambda":
            return None
        match = PATH.fullmatch(request.path)
        if match is None:
            return None
        headers = dict(request.headers)
        kind = headers.get("x-amz-invocation-type") or "RequestResponse"
        invocation = self._invocation(exchange, unquote(match[1]), headers, kind)
        trace = [("x-amzn-requestid", exchange.request_id), ("x-amzn-trace-id", invocation.trace_header)]
        if kind == "RequestResponse":
            self._begin(invocation, partial(_tell, exchange, trace, "x-lambent-explain" in headers))
            return LATER
        return self._without_result(invocation, kind, trace)

    async def _without_result(self, invocation: Invocation, kind: str, trace: Headers) -> HttpResponse:
        await self._check(invocation)
        if kind == "DryRun":
            return HttpResponse(204, trace)
        await self._enqueue(invocation)
        return HttpResponse(202, trace)

    def _invocation(self, exchange: Exchange, name: str, headers: dict[str, str], kind: str) -> Invocation:
        assert exchange.principal is not None
        key, derived = parse_function_name(name, exchange.principal.account, exchange.region)
        query = exchange.request.query
        if query:
            derived = one_qualifier(derived, parse_qs(query).get("Qualifier", [""])[0])
        log_type = headers.get("x-amz-log-type") or "None"
        _check_choices(kind, log_type)
        payload = exchange.request.body or b"{}"
        self._check_payload(payload, kind)
        return Invocation(
            request_id=exchange.request_id,
            function=key,
            qualifier=derived,
            payload=payload,
            trace_header=headers.get("x-amzn-trace-id") or _new_trace(exchange.request_id),
            client_context=self._client_context(headers.get("x-amz-client-context", "")),
            tail=log_type == "Tail",
        )

    def _check_payload(self, payload: bytes, kind: str) -> None:
        limit = self._quotas.async_payload_bytes if kind == "Event" else self._quotas.sync_payload_bytes
        if len(payload) > limit:
            raise RequestTooLarge(
                f"{len(payload)} byte payload is too large for the {kind} invocation type (limit {limit} bytes)",
                Type="User",
            )
        try:
            _check_json(payload)
            payload.decode()
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise InvalidRequestContent(
                f"Could not parse request body into json: Could not parse payload into json: {error}", Type="User"
            ) from None

    def _client_context(self, encoded: str) -> str:
        if not encoded:
            return ""
        if len(encoded) > self._quotas.client_context_bytes:
            raise InvalidRequestContent(
                f"Client context must be no more than {self._quotas.client_context_bytes} bytes when base64-encoded",
                Type="User",
            )
        try:
            text = binascii.a2b_base64(encoded, strict_mode=True)
            _check_json(text)
            return text.decode()
        except (ValueError, msgspec.DecodeError, RecursionError):
            raise InvalidRequestContent(
                "Client context must be a valid Base64-encoded JSON object.", Type="User"
            ) from None


def _check_choices(kind: str, log_type: str) -> None:
    wrong: list[tuple[str, str, tuple[str, ...]]] = []
    if kind not in TYPES:
        wrong.append(("invocationType", kind, TYPES))
    if log_type not in LOG_TYPES:
        wrong.append(("logType", log_type, LOG_TYPES))
    if not wrong:
        return
    errors = "; ".join(
        f"Value '{value}' at '{name}' failed to satisfy constraint: "
        f"Member must satisfy enum value set: [{', '.join(choices)}]"
        for name, value, choices in wrong
    )
    plural = "s" if len(wrong) > 1 else ""
    raise ValidationError(f"{len(wrong)} validation error{plural} detected: {errors}")


def _new_trace(request_id: str) -> str:
    digits = request_id.replace("-", "")
    return f"Root=1-{digits[:8]}-{digits[8:]};Sampled=0"


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
