"""What the APIs answer, as HTTP: the documented status, error type and words. Pure.

Sources: Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes", "Using the Lambda Extensions API";
the words and types, aws-lambda-runtime-interface-emulator (internal/lambda/rapi/rendering); behaviours 13 and 14.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from lambent.errors import LambentError, ServiceError
from lambent.model.http import HttpResponse

Respond = Callable[[HttpResponse], object]
"""Sends an answer. False when it is known that nobody is there to read it."""

JSON = [("content-type", "application/json")]
ACCEPTED = HttpResponse(202, JSON, b'{"status":"OK"}\n')


class ApiError(LambentError):
    """An answer that says no."""

    def __init__(self, status: int, error_type: str, message: str) -> None:
        super().__init__(message)
        self.status, self.error_type, self.message = status, error_type, message

    def response(self) -> HttpResponse:
        """As HTTP."""
        body = {"errorMessage": self.message, "errorType": self.error_type}
        return HttpResponse(self.status, JSON, msgspec.json.encode(body) + b"\n")


def wrong_state(who: str, was: str, wanted: str) -> ApiError:
    """Not now."""
    words = f"State transition from {was} to {wanted} failed for {who}. Error: State transition is not allowed"
    return ApiError(403, "InvalidStateTransition", words)


def incomplete(error: ServiceError) -> ApiError:
    """The body of a request broke off."""
    return ApiError(400, "InvalidRequestFormat", error.message)


def json_answer(body: Any, headers: list[tuple[str, str]] | None = None) -> HttpResponse:
    """200 with a JSON body."""
    return HttpResponse(200, [*JSON, *(headers or [])], msgspec.json.encode(body))


def error_type_of(told: str, family: str) -> str:
    """The error type that a header or trailer tells: Category.Reason; what is neither is reported as
    `family`.Unknown."""
    category, dot, reason = told.partition(".")
    if dot and category in ("Runtime", "Function", "Extension") and reason.isascii() and reason.isalnum():
        return told
    return f"{category if category in ('Runtime', 'Function') else family}.Unknown"
