"""InvokeWithResponseStream, in the edge: the answer as an event stream, while the function makes it.

An answer in pieces goes out as one PayloadChunk for each; one that the function gave whole is a
single chunk. InvokeComplete ends both, and says there what went wrong, also in the middle.

Source: Lambda service model, InvokeWithResponseStream (events, headers); behaviours section 17.
That ErrorCode is the function error's kind and ErrorDetails its JSON is how published clients read it.
"""

import binascii
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Protocol
from urllib.parse import unquote

from lambent.clock import Clock
from lambent.config import Quotas
from lambent.errors import ServiceError
from lambent.gateway.admission import Admission
from lambent.gateway.exchange import LATER, Exchange, Step
from lambent.gateway.http.streams import StreamedResponse
from lambent.gateway.invocation_request import Requests
from lambent.invocation.streaming import AnswerStream, Pace, Paced
from lambent.model.http import HttpResponse
from lambent.model.invocation import Invocation, InvocationResult
from lambent.model.principal import Principal

PATH = re.compile(r"/2021-11-15/functions/([^/]+)/response-streaming-invocations/?")
TYPES = ("RequestResponse", "DryRun")
EVENTS = "application/vnd.amazon.eventstream"

Write = Callable[[Mapping[str, Any]], bytes]
Done = Callable[[InvocationResult | Exception], None]


class Begin(Protocol):
    """Runs an invocation, as `DataPlane.begin`."""

    def __call__(self, invocation: Invocation, done: Done, stream: AnswerStream | None, /) -> None:
        """Call `done` once; an answer in pieces goes to `stream` before."""


class InvokingStreamed:
    """The stage that answers InvokeWithResponseStream, and nothing else.

    Args:
        admission: who may invoke.
        write: makes the bytes of one event.
    """

    def __init__(
        self,
        begin: Begin,
        admission: Admission,
        write: Write,
        quotas: Quotas,
        pace: Pace,
        clock: Clock,
    ) -> None:
        self._begin, self._admission, self._write = begin, admission, write
        self._limit_bytes, self._pace, self._clock = quotas.streamed_response_bytes, pace, clock
        self._requests = Requests(quotas, TYPES)

    def __call__(self, exchange: Exchange) -> Step | Awaitable[Step]:
        """Answer an InvokeWithResponseStream; None for every other request."""
        request = exchange.request
        if request.method != "POST" or exchange.service != "lambda":
            return None
        match = PATH.fullmatch(request.path)
        if match is None:
            return None
        kind, invocation = self._requests.read(exchange, unquote(match[1]), dict(request.headers))
        assert exchange.principal is not None
        if kind == "DryRun":
            return self._dry_run(exchange, exchange.principal, invocation)
        if not self._admission.settled(exchange.principal, invocation):
            return self._judged(exchange, exchange.principal, invocation)
        return self._stream(exchange, invocation)

    async def _judged(self, exchange: Exchange, caller: Principal, invocation: Invocation) -> Step:
        await self._admission.check(caller, invocation)
        return self._stream(exchange, invocation)

    def _stream(self, exchange: Exchange, invocation: Invocation) -> Step:
        call = _Call(exchange, invocation.trace_header, self._write)
        stream = call.stream = AnswerStream(self._limit_bytes, call.opened)
        call.paced = Paced(stream, self._pace, self._clock)
        self._begin(invocation, call.done, stream)
        return LATER

    async def _dry_run(self, exchange: Exchange, caller: Principal, invocation: Invocation) -> HttpResponse:
        await self._admission.check(caller, invocation)
        return HttpResponse(204, [("x-amzn-requestid", exchange.request_id)])


class _Call(AsyncIterator[bytes]):
    """One call: what the data plane tells becomes events. Iterates over the messages of a streamed answer."""

    stream: AnswerStream
    paced: Paced

    def __init__(self, exchange: Exchange, trace_header: str, write: Write) -> None:
        self._exchange, self._write = exchange, write
        self._headers = [("x-amzn-requestid", exchange.request_id), ("x-amzn-trace-id", trace_header)]
        self._completed = False

    def opened(self) -> None:
        """The answer comes in pieces: the head can go."""
        headers = self._head(self.stream.version)
        self._exchange.answer(StreamedResponse(200, headers, self))

    def done(self, result: InvocationResult | Exception) -> None:
        """The invocation is over."""
        if self.stream.is_open:
            self.stream.end(result)
        elif isinstance(result, Exception):
            self._exchange.fail(result)
        else:
            chunk = b"" if result.function_error else self._chunk(result.payload)
            headers = self._head(result.executed_version)
            self._exchange.answer(HttpResponse(200, headers, chunk + self._complete(result)))

    async def __anext__(self) -> bytes:
        piece = await self.paced.next()
        if piece is not None:
            return self._chunk(piece)
        if self._completed:
            raise StopAsyncIteration
        self._completed = True
        assert self.stream.result is not None
        return self._complete(self.stream.result)

    async def aclose(self) -> None:
        """The client has everything, or has gone."""
        self.stream.abandon()

    def _head(self, version: str) -> list[tuple[str, str]]:
        return [
            *self._headers,
            ("content-type", EVENTS),
            ("x-amz-executed-version", version),
        ]

    def _chunk(self, piece: bytes) -> bytes:
        return self._write({"PayloadChunk": {"Payload": piece}})

    def _complete(self, result: InvocationResult | Exception) -> bytes:
        told: dict[str, str] = {}
        if isinstance(result, ServiceError):
            told = {"ErrorCode": result.code, "ErrorDetails": result.message}
        elif isinstance(result, Exception):
            told = {"ErrorCode": "ServiceException", "ErrorDetails": "The invocation was lost; see the server's log."}
        else:
            if result.function_error:
                told = {"ErrorCode": result.function_error, "ErrorDetails": result.payload.decode("utf-8", "replace")}
            if result.log_tail:
                told["LogResult"] = binascii.b2a_base64(result.log_tail, newline=False).decode()
        return self._write({"InvokeComplete": told})
