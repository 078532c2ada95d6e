"""What an integration says, read for a WebSocket: a status, perhaps headers, perhaps a body. Pure.

Source: API Gateway Developer Guide, "Lambda proxy integrations for WebSocket APIs" (the form of REST's proxy answers).
The bodies with which clients are told of failures are as the service sends them, collected from public reports.
"""

import base64
import binascii
from collections.abc import Mapping

import msgspec
from msgspec import Struct

INTERNAL, TIMED_OUT, FORBIDDEN = "Internal server error", "Endpoint request timed out", "Forbidden"


class Failed(Exception):
    """There is no answer of the integration's: what a client is told, as a handshake's status and in words.

    `payload` is what a function that failed said of it, which is not for clients.
    """

    def __init__(self, status: int, message: str = INTERNAL, payload: bytes = b"") -> None:
        super().__init__(message)
        self.status, self.message, self.payload = status, message, payload


class Answer(Struct, frozen=True):
    """What the integration said. Header names are lower-case."""

    status: int
    headers: Mapping[str, str] = {}
    body: bytes = b""

    @property
    def good(self) -> bool:
        return 200 <= self.status < 300


def answer_of(payload: bytes) -> Answer:
    """The answer of a function. Raises Failed."""
    try:
        told = msgspec.json.decode(payload)
    except (ValueError, RecursionError):
        raise Failed(502) from None
    status = told.get("statusCode") if isinstance(told, dict) else None
    if isinstance(status, str) and status.isascii() and status.isdecimal():
        status = int(status)
    if not isinstance(status, int) or isinstance(status, bool) or not 100 <= status <= 599:
        raise Failed(502)
    headers = told.get("headers") or {}
    if not isinstance(headers, dict):
        raise Failed(502)
    plain = {str(name).lower(): str(value) for name, value in headers.items() if not isinstance(value, (dict, list))}
    return Answer(status, plain, _body(told.get("body"), bool(told.get("isBase64Encoded"))))


def _body(body: object, encoded: bool) -> bytes:
    if body is None:
        return b""
    if not isinstance(body, str):
        raise Failed(502)
    if not encoded:
        return body.encode()
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        raise Failed(502) from None


def told_to_client(message: str, connection_id: str, request_id: str) -> bytes:
    """How a client learns that its message came to nothing."""
    return msgspec.json.encode({"message": message, "connectionId": connection_id, "requestId": request_id})
