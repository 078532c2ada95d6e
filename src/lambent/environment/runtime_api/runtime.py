"""The runtime's part of the Runtime API: next, response, error, and the errors of init and restore.

Knows one runtime's state, as a table, and makes of its requests the frames that any other bootstrap would have sent
(`environment/api.py`), so that nobody above can tell the two apart. Does not know HTTP connections: who asks for work
is a function to be called with the answer, now or later.

Who streams: a runtime that says so in a header, and one that sends chunks for an invocation whose caller takes pieces,
as aws-lambda-go does with every answer. An error in its trailers counts either way.

A runtime may hang up while it waits and ask again, and an invocation whose delivery failed for that is delivered to the
next that asks. Source: see `answers`; the states, aws-lambda-runtime-interface-emulator (internal/lambda/core).
"""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from enum import StrEnum

import msgspec

from lambent.environment import frames
from lambent.environment.frames import DEFAULT_LIMIT_BYTES, Frame
from lambent.environment.runtime_api.answers import ACCEPTED, ApiError, Respond, error_type_of, incomplete, wrong_state
from lambent.errors import ServiceError
from lambent.model.http import HttpRequest, HttpResponse

ERROR_TYPE = "lambda-runtime-function-error-type"
ERROR_BODY = "lambda-runtime-function-error-body"
RESPONSE_MODE, STREAMING = "lambda-runtime-function-response-mode", "streaming"
INTEGRATION = "application/vnd.awslambda.http-integration-response"
ERROR_LIMIT_BYTES = 64 * 1024
NO_ENTRY = "Runtime.InvalidEntrypoint"


class At(StrEnum):
    """Where the runtime stands, in the words that the API's errors use."""

    STARTED = "Started"  # it has not asked for work yet
    READY = "Ready"  # it waits for work, or has hung up and will ask again
    RUNNING = "Running"  # an invocation is in its hands
    RESPONDING = "InvocationResponse"  # its answer is being read
    ANSWERED = "ResponseSent"  # and it has not asked for more yet
    FAILED = "InitError"


# What a request may find: the states in which it is legal.
NEXT = frozenset({At.STARTED, At.READY, At.ANSWERED})
ANSWER = frozenset({At.RUNNING})
INIT_ERROR = frozenset({At.STARTED})


class HttpRuntime:
    """One runtime. `on_frame` hears what it says."""

    gathers = True

    def __init__(self, on_frame: Callable[[Frame], None], started_us: Callable[[], int]) -> None:
        self._on_frame, self._started_us = on_frame, started_us
        self._at = At.STARTED
        self._poll: Respond | None = None
        self._request_id = ""
        self._undelivered: HttpResponse | None = None
        self._in_pieces = False
        self._may_read = asyncio.Event()
        self._may_read.set()
        self.limit_bytes = DEFAULT_LIMIT_BYTES

    @property
    def waits(self) -> bool:
        """Whether the runtime has asked for work and has none."""
        return self._at is At.READY

    # the platform's side

    def deliver(self, request_id: str, work: HttpResponse, limit_bytes: int, *, in_pieces: bool = False) -> None:
        """Give it an invocation; it `waits`. `in_pieces`: whoever called takes the answer as it comes."""
        self._at, self._request_id, self.limit_bytes = At.RUNNING, request_id, limit_bytes
        self._in_pieces = in_pieces
        self._may_read.set()
        poll, self._poll = self._poll, None
        if poll is None or poll(work) is False:
            self._undelivered = work

    # the runtime's side

    def next(self, respond: Respond) -> None:
        """GET invocation/next."""
        if self._undelivered is not None:
            work, self._undelivered = self._undelivered, None
            if respond(work) is False:
                self._undelivered = work
            return
        if self._at not in NEXT:
            raise wrong_state("runtime", self._at, At.READY)
        earlier, self._poll = self._poll, respond
        if earlier is not None:
            earlier(wrong_state("runtime", At.READY, At.READY).response())
        if self._at is not At.READY:
            self._at = At.READY
            self._on_frame(Frame(frames.READY, [str(self._started_us())], b""))

    def expects_answer(self, request_id: str) -> None:
        """Whether this is the invocation to be answered now. Raises ApiError."""
        if request_id != self._request_id or not request_id:
            raise ApiError(400, "InvalidRequestID", "Invalid request ID")
        if self._at not in ANSWER:
            raise wrong_state("runtime", self._at, At.RESPONDING)

    def gives_pieces(self, request: HttpRequest) -> bool:
        """Whether an answer, which has not come whole, goes on as it comes."""
        return self._in_pieces or request.header(RESPONSE_MODE) == STREAMING

    def response(self, request: HttpRequest, request_id: str, body: bytes) -> HttpResponse:
        """POST response, whole."""
        self.expects_answer(request_id)
        content_type = request.header("content-type")
        if content_type == INTEGRATION or request.header(RESPONSE_MODE) == STREAMING:
            self._on_frame(Frame(frames.STREAM, [request_id, content_type], b""))
            if body:
                self._on_frame(Frame(frames.CHUNK, [request_id], body))
            self._end_pieces(request, request_id)
            return ACCEPTED
        return self._whole(request, request_id, body, len(body))

    def _whole(self, request: HttpRequest, request_id: str, body: bytes, count: int) -> HttpResponse:
        if request.trailer(ERROR_TYPE):
            self._end_pieces(request, request_id)
        elif count > self.limit_bytes:
            return self._too_large(count)
        else:
            self._answered(Frame(frames.RESPONSE, [request_id], body))
        return ACCEPTED

    def pause(self) -> None:
        """Read no more of an answer in pieces."""
        self._may_read.clear()

    def resume(self) -> None:
        """Read on."""
        self._may_read.set()

    async def streamed_response(
        self, request: HttpRequest, request_id: str, body: AsyncIterator[bytes]
    ) -> HttpResponse:
        """POST response in streaming mode: its pieces go on as they come. Trailers may say that it failed."""
        self.expects_answer(request_id)
        self._at = At.RESPONDING
        self._on_frame(Frame(frames.STREAM, [request_id, request.header("content-type")], b""))
        try:
            async for piece in body:
                await self._may_read.wait()
                if not self._still_answering(request_id):
                    raise wrong_state("runtime", self._at, At.RESPONDING)
                if piece:
                    self._on_frame(Frame(frames.CHUNK, [request_id], piece))
        except ServiceError as error:
            if self._still_answering(request_id):
                self._failed(request_id, "Runtime.TruncatedResponse", error.message.encode())
            raise
        if not self._still_answering(request_id):
            raise wrong_state("runtime", self._at, At.RESPONDING)
        self._end_pieces(request, request_id)
        return ACCEPTED

    def _end_pieces(self, request: HttpRequest, request_id: str) -> None:
        if told := request.trailer(ERROR_TYPE):
            self._failed(request_id, error_type_of(told, "Function"), _trailed_body(request))
        else:
            self._answered(Frame(frames.RESPONSE, [request_id], b""))

    def _failed(self, request_id: str, error_type: str, body: bytes) -> None:
        self._answered(Frame(frames.ERROR, [request_id, error_type], error_object(body, error_type)))

    def begins_response(self, request_id: str) -> None:
        """POST response whose body is still to come; `came` ends it. Raises ApiError."""
        self.expects_answer(request_id)
        self._at = At.RESPONDING

    def came(
        self, request: HttpRequest, request_id: str, body: bytes, count: int, broken: ServiceError | None
    ) -> HttpResponse:
        """The body has come, or has broken off: `count` bytes, kept up to the limit. Raises ApiError."""
        if broken is not None:
            self._broken_off(request_id)
            raise incomplete(broken)
        if not self._still_answering(request_id):
            raise wrong_state("runtime", self._at, At.RESPONDING)
        return self._whole(request, request_id, body, count)

    def error(self, request: HttpRequest, request_id: str) -> HttpResponse:
        """POST error."""
        self.expects_answer(request_id)
        error_type = error_type_of(request.header(ERROR_TYPE), "Function")
        self._answered(Frame(frames.ERROR, [request_id, error_type], error_body(request, error_type)))
        return ACCEPTED

    def init_error(self, request: HttpRequest) -> HttpResponse:
        """POST init/error."""
        if self._at not in INIT_ERROR:
            raise wrong_state("runtime", self._at, At.FAILED)
        self._at = At.FAILED
        error_type = error_type_of(request.header(ERROR_TYPE), "Runtime")
        fields = [error_type, str(self._started_us())]
        self._on_frame(Frame(frames.INIT_ERROR, fields, error_body(request, error_type)))
        return ACCEPTED

    def _still_answering(self, request_id: str) -> bool:
        return self._at is At.RESPONDING and request_id == self._request_id

    def _broken_off(self, request_id: str) -> None:
        """It hung up in the middle of its answer: it may begin again."""
        if self._still_answering(request_id):
            self._at = At.RUNNING

    def _answered(self, frame: Frame) -> None:
        self._at, self._undelivered = At.ANSWERED, None
        self._on_frame(frame)

    def _too_large(self, count: int) -> HttpResponse:
        self._answered(Frame(frames.RESPONSE, [self._request_id], b"", count))
        words = f"Exceeded maximum allowed payload size ({self.limit_bytes} bytes)."
        return ApiError(413, "RequestEntityTooLarge", words).response()


def _trailed_body(request: HttpRequest) -> bytes:
    try:
        return base64.b64decode(request.trailer(ERROR_BODY)[:ERROR_LIMIT_BYTES], validate=True)
    except ValueError:
        return b""


def error_body(request: HttpRequest, error_type: str) -> bytes:
    """What the caller gets of a posted error."""
    return error_object(request.body[:ERROR_LIMIT_BYTES], error_type)


def error_object(body: bytes, error_type: str) -> bytes:
    """The error object in `body`, or one made of what is there instead."""
    try:
        if isinstance(msgspec.json.decode(body), dict):
            return body
    except (ValueError, RecursionError):
        pass
    return msgspec.json.encode({"errorType": error_type, "errorMessage": body.decode("utf-8", "replace")})
