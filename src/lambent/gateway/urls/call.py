"""One request to a function URL and its answer, whole or in pieces.

`Call` answers; `StreamedCall` reads the head of a streamed answer first, and then is the body. What
goes wrong before the head is an error with a status; after it the connection is cut.
"""

from collections.abc import Callable
from typing import TypeVar

import msgspec
import structlog

from lambent.errors import ServiceError
from lambent.gateway.cors import with_cors
from lambent.gateway.exchange import Exchange
from lambent.gateway.http.streams import CutOff, StreamedResponse
from lambent.gateway.urls.answer import (
    BYTES_TYPE,
    HTTP_ANSWER,
    BadAnswer,
    Headers,
    answer_of,
    parsed_head,
    split_head,
    streamed_whole,
)
from lambent.invocation.streaming import AnswerStream, Paced
from lambent.model.function_url import FunctionUrl
from lambent.model.http import HttpResponse
from lambent.model.invocation import InvocationResult

INTERNAL = b"Internal Server Error"
OURS = ("x-amzn-requestid", "x-amzn-trace-id")

R = TypeVar("R", bound=HttpResponse | StreamedResponse)

log = structlog.get_logger()


class Call:
    """Answers one exchange. `url` is None while it is not known; `answered` hears each answer's status."""

    def __init__(
        self, exchange: Exchange, url: FunctionUrl | None, trace_header: str, answered: Callable[[int], None]
    ) -> None:
        self._exchange, self._url, self._trace_header = exchange, url, trace_header
        self._answered = answered

    def head(self, headers: Headers) -> Headers:
        """`headers` with what every answer has."""
        origin = self._exchange.request.header("origin")
        given = with_cors(headers, None if self._url is None else self._url.cors, origin)
        own = [("x-amzn-requestid", self._exchange.request_id), ("x-amzn-trace-id", self._trace_header)]
        return own + [each for each in given if each[0] not in OURS]

    def respond(self, response: HttpResponse | StreamedResponse) -> None:
        """Send `response`."""
        self._exchange.answer(self.complete(response))

    def complete(self, response: R) -> R:
        """`response` as it is to be sent; it is written down as the request's answer."""
        response.headers = self.head(response.headers)
        self._answered(response.status)
        return response

    def done(self, result: InvocationResult | Exception) -> None:
        """The invocation is over, and its answer is whole."""
        if isinstance(result, ServiceError):
            self.respond(refusal(result.status, result.message, result.code))
        elif isinstance(result, Exception):
            self._answered(500)
            self._exchange.fail(result)
        elif result.function_error:
            status = 504 if result.status == "timeout" else 502
            self.respond(HttpResponse(status, [("content-type", "application/json")], INTERNAL))
        else:
            self._answer(result)

    def bad(self, error: BadAnswer) -> None:
        """The function's answer cannot be sent; its author finds the reason in the platform's log."""
        function = "" if self._url is None else self._url.key.name
        request_id = self._exchange.request_id
        log.warning(f"a bad answer: {error}", action="url.answer", function=function, request_id=request_id)
        self.respond(HttpResponse(502, [("content-type", "application/json")], INTERNAL))

    def _answer(self, result: InvocationResult) -> None:
        try:
            if result.content_type:
                response = streamed_whole(result.payload, result.content_type)
            else:
                response = answer_of(result.payload)
        except BadAnswer as error:
            self.bad(error)
        else:
            self.respond(response)


class StreamedCall:
    """Answers with what the function streams. An async iterator over the body."""

    def __init__(self, call: Call, stream: AnswerStream, paced: Paced) -> None:
        self._call, self._stream, self._paced = call, stream, paced
        self._first = b""

    def done(self, result: InvocationResult | Exception) -> None:
        """The invocation is over."""
        if self._stream.is_open:
            self._stream.end(result)
        else:
            self._call.done(result)

    async def answer(self) -> None:
        """Send the head, as soon as it is there, and have the rest follow."""
        try:
            head = await self._head()
        except BadAnswer as error:
            self._stream.abandon()
            self._call.bad(error)
            return
        if head is None:  # it failed before its head was whole
            assert self._stream.result is not None
            self._call.done(self._stream.result)
        else:
            status, headers = head
            self._call.respond(StreamedResponse(status, headers, self))

    async def _head(self) -> tuple[int, Headers] | None:
        if self._stream.content_type != HTTP_ANSWER:
            return 200, [("content-type", BYTES_TYPE)]
        data = b""
        while (split := split_head(data)) is None:
            piece = await self._paced.next()
            if piece is None:
                if _failed(self._stream.result):
                    return None
                raise BadAnswer("its head has no end")
            data += piece
        self._first = split[1]
        return parsed_head(split[0])

    def __aiter__(self) -> "StreamedCall":
        return self

    async def __anext__(self) -> bytes:
        if self._first:
            first, self._first = self._first, b""
            return first
        piece = await self._paced.next()
        if piece is not None:
            return piece
        if _failed(self._stream.result):
            raise CutOff
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """The client has everything, or has gone."""
        self._stream.abandon()


def refusal(status: int, message: str | None, code: str, reason: str = "") -> HttpResponse:
    """An answer that is the platform's own. `reason` explains it to whoever reads headers."""
    headers = [("content-type", "application/json"), ("x-amzn-errortype", code)]
    if reason:
        headers.append(("x-lambent-reason", reason.partition("\n")[0]))
    return HttpResponse(status, headers, msgspec.json.encode({"Message": message}))


def _failed(result: InvocationResult | Exception | None) -> bool:
    return isinstance(result, Exception) or (result is not None and bool(result.function_error))
