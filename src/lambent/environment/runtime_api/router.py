"""Which request is whose: the paths of the APIs, and the errors of those that are none.

Called by an HTTP server with each request that comes from inside the environment. Bodies longer than SHORT_BYTES, and
those of unknown length, come as streams; they are read only for whoever may send them now.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Protocol

from lambent.environment.runtime_api.answers import ApiError, Respond, incomplete
from lambent.environment.runtime_api.extensions import Extensions
from lambent.environment.runtime_api.runtime import RESPONSE_MODE, STREAMING, HttpRuntime
from lambent.environment.runtime_api.telemetry import Telemetry
from lambent.errors import ServiceError
from lambent.model.http import HttpRequest, HttpResponse

RUNTIME, EXTENSION = "/2018-06-01/runtime/", "/2020-01-01/extension/"
NEXT, INVOCATION = RUNTIME + "invocation/next", RUNTIME + "invocation/"
SHORT_BYTES = 64 * 1024
TOO_LONG = ApiError(413, "RequestEntityTooLarge", f"Exceeded maximum allowed payload size ({SHORT_BYTES} bytes).")
NOT_FOUND = ApiError(404, "NotFound", "No such path")


class Waits(Protocol):
    """A request's body on its way in."""

    def take_whole(self) -> bytes | None:
        """All of it, when it has come already; then there is no more to read."""

    def gather(self, most_bytes: int, gathered: Callable[[bytes, int, ServiceError | None], None]) -> None:
        """Have `gathered` called with all of it (nothing beyond `most_bytes`), how much came, and what broke it off."""

    def __aiter__(self) -> AsyncIterator[bytes]: ...


def streams(request: HttpRequest) -> bool:
    """Whether the body of `request` is to come in pieces."""
    if request.method not in ("POST", "PUT"):
        return False
    if request.header(RESPONSE_MODE) == STREAMING:
        return True
    length = request.header("content-length")
    return int(length) > SHORT_BYTES if length else bool(request.header("transfer-encoding"))


class Router:
    """Answers requests. `runtime` is None where the runtime speaks frames."""

    def __init__(self, runtime: HttpRuntime | None, extensions: Extensions, telemetry: Telemetry) -> None:
        self._runtime, self._extensions = runtime, extensions
        self._tasks: set[asyncio.Task[None]] = set()
        self._routes: dict[tuple[str, str], Callable[[HttpRequest], HttpResponse]] = {
            ("POST", EXTENSION + "register"): extensions.register,
            ("POST", EXTENSION + "init/error"): lambda request: extensions.failed(request, "Extension.InitError"),
            ("POST", EXTENSION + "exit/error"): lambda request: extensions.failed(request, "Extension.ExitError"),
            ("PUT", "/2022-07-01/telemetry"): lambda request: telemetry.subscribe(request, logs=False),
            ("PUT", "/2020-08-15/logs"): lambda request: telemetry.subscribe(request, logs=True),
            ("GET", "/2018-06-01/ping"): lambda _: HttpResponse(200, [("content-type", "text/plain")], b"pong"),
        }
        if runtime is not None:
            self._routes["POST", RUNTIME + "init/error"] = runtime.init_error
            self._routes["POST", RUNTIME + "restore/error"] = _no_restore
            self._routes["GET", RUNTIME + "restore/next"] = _no_restore

    def __call__(self, request: HttpRequest, source_ip: str, respond: Respond, body: Waits | None = None) -> None:
        """Have `respond` called once, now or later."""
        try:
            self._answer(request, respond, body)
        except ApiError as error:
            respond(error.response())

    def _answer(self, request: HttpRequest, respond: Respond, body: Waits | None) -> None:
        path, runtime = request.path, self._runtime
        if runtime is not None and path == NEXT and request.method == "GET":
            runtime.next(respond)
        elif runtime is not None and path.startswith(INVOCATION) and request.method == "POST":
            self._take_result(runtime, request, respond, body)
        elif path == EXTENSION + "event/next" and request.method == "GET":
            self._extensions.next(request, respond)
        else:
            respond(self._short(request, body))

    def _take_result(self, runtime: HttpRuntime, request: HttpRequest, respond: Respond, body: Waits | None) -> None:
        request_id, _, what = request.path.removeprefix(INVOCATION).partition("/")
        if what == "response":
            whole = request.body if body is None else body.take_whole()
            if whole is not None:
                respond(runtime.response(request, request_id, whole))
            elif body is not None and runtime.gives_pieces(request):
                self._spawn(runtime.streamed_response(request, request_id, body.__aiter__()), respond)
            elif body is not None:
                _gather(runtime, request, request_id, respond, body)
        elif what == "error":
            if body is None:
                respond(runtime.error(request, request_id))
            else:
                runtime.expects_answer(request_id)
                self._spawn(_read_error(runtime, request, request_id, body), respond)
        else:
            raise NOT_FOUND

    def _short(self, request: HttpRequest, body: Waits | None) -> HttpResponse:
        route = self._routes.get((request.method, request.path))
        if route is None:
            if any(path == request.path for _, path in self._routes):
                raise ApiError(405, "MethodNotAllowed", f"{request.method} is not allowed here")
            raise NOT_FOUND
        if body is not None:
            raise TOO_LONG
        return route(request)

    def _spawn(self, work: Coroutine[None, None, HttpResponse], respond: Respond) -> None:
        task = asyncio.get_running_loop().create_task(_respond_with(work, respond))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _gather(runtime: HttpRuntime, request: HttpRequest, request_id: str, respond: Respond, body: Waits) -> None:
    """An answer that is still on its way, without a task."""
    runtime.begins_response(request_id)

    def come(whole: bytes, count: int, broken: ServiceError | None) -> None:
        try:
            answer = runtime.came(request, request_id, whole, count, broken)
        except ApiError as error:
            answer = error.response()
        respond(answer)

    body.gather(runtime.limit_bytes, come)


async def _respond_with(work: Coroutine[None, None, HttpResponse], respond: Respond) -> None:
    try:
        answer = await work
    except ApiError as error:
        answer = error.response()
    except ServiceError as error:  # the body broke off
        answer = incomplete(error).response()
    respond(answer)


async def _read_error(runtime: HttpRuntime, request: HttpRequest, request_id: str, body: Waits) -> HttpResponse:
    """An error object in pieces: kept as far as it is short."""
    whole = bytearray()
    async for piece in body.__aiter__():
        whole += piece[: SHORT_BYTES - len(whole)]
    request.body = bytes(whole)
    return runtime.error(request, request_id)


def _no_restore(_: HttpRequest) -> HttpResponse:
    raise ApiError(403, "InvalidStateTransition", "This environment is not one of SnapStart: there is no restore")
