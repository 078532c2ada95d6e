"""Lambent's own paths, under /_lambent/: health, metrics, code downloads, status; and SNS's certificate."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from msgspec import Struct

from lambent.gateway.exchange import Exchange
from lambent.model.http import HttpResponse
from lambent.model.messages import Moment

PREFIX = "/_lambent/"
CERTIFICATE = "/SimpleNotificationService-"  # where messages of topics say that it is
LONGEST_STEP_S = 366 * 86_400
_SECONDS = re.compile(r"seconds=(\d{1,9}(?:\.\d{1,3})?)", re.ASCII)
JSON = [("content-type", "application/json")]
TEXT = [("content-type", "text/plain; version=0.0.4")]


class Answers(Struct, frozen=True):
    """Who knows what these paths show: whether all is ready (which parts are not), and control's answers."""

    missing: Callable[[], list[str]]
    metrics: Callable[[], Awaitable[str]]
    download: Callable[[str, str], Awaitable[bytes]]
    status: Callable[[], Awaitable[dict[str, Any]]]
    clock: Callable[[float], Awaitable[Moment]] | None = None  # moves the platform's time; only in development


class OpenPaths:
    """The paths that need no signature. Stands before authentication."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def __call__(self, exchange: Exchange) -> Awaitable[HttpResponse | None] | None:
        return self._answer(exchange) if exchange.request.path.startswith((PREFIX, CERTIFICATE)) else None

    async def _answer(self, exchange: Exchange) -> HttpResponse | None:
        path = exchange.request.path
        if path.startswith(CERTIFICATE):
            certificate = await self._answers.download(path, "")
            return HttpResponse(200, [("content-type", "application/x-pem-file")], certificate)
        if path == "/_lambent/health":
            missing = self._answers.missing()
            body = {"status": "starting", "waiting_for": missing} if missing else {"status": "ready"}
            return HttpResponse(503 if missing else 200, list(JSON), msgspec.json.encode(body))
        if path == "/_lambent/metrics":
            return HttpResponse(200, list(TEXT), (await self._answers.metrics()).encode())
        if path.startswith("/_lambent/code/"):
            body_bytes = await self._answers.download(path, exchange.request.query)
            return HttpResponse(200, [("content-type", "application/zip")], body_bytes)
        return None


class SignedPaths:
    """The paths for those who may sign. Stands behind authentication."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    async def __call__(self, exchange: Exchange) -> HttpResponse | None:
        path = exchange.request.path
        if not path.startswith(PREFIX):
            return None
        if path == "/_lambent/status":
            return HttpResponse(200, list(JSON), msgspec.json.encode(await self._answers.status()))
        if path == "/_lambent/clock":
            return await self._clock(exchange)
        return HttpResponse(404, list(JSON), b'{"message":"Lambent has no such page."}')

    async def _clock(self, exchange: Exchange) -> HttpResponse:
        """GET shows the platform's time, POST ?seconds=N moves it ahead."""
        clock, principal, request = self._answers.clock, exchange.principal, exchange.request
        if clock is None:
            return _refusal(403, "Time moves by itself here. Only a server started with --dev-credentials can move it.")
        if principal is None or principal.temporary or not principal.arn.endswith(":root"):
            return _refusal(403, "Only the root key of an account may look at the clock or move it.")
        seconds = 0.0
        if request.method == "POST":
            named = _SECONDS.fullmatch(request.query)
            if named is None or not 0 < (seconds := float(named[1])) <= LONGEST_STEP_S:
                return _refusal(400, f"?seconds= takes a number from 1 to {LONGEST_STEP_S}: time only moves ahead.")
        return HttpResponse(200, list(JSON), msgspec.json.encode(await clock(seconds)))


def _refusal(status: int, message: str) -> HttpResponse:
    return HttpResponse(status, list(JSON), msgspec.json.encode({"message": message}))
