"""From what a function returned to an HTTP answer. Pure.

A JSON object with a statusCode is the answer; a string is a body; anything else is a JSON body. A
streamed answer may begin with a head: the same members as JSON, then eight NULs. What has not this
form is the function's fault (BadAnswer).

Source: behaviours sections 14 and 19; Lambda Developer Guide, "Response payload format". That a body
which is no string is sent as JSON, and that digits in a string do for a statusCode, is recorded
behaviour; that headers of the connection itself are left out is our own.
"""

import base64
import binascii
from typing import Any

import msgspec

from lambent.model.http import HttpResponse

HTTP_ANSWER = "application/vnd.awslambda.http-integration-response"
HEAD_ENDS = bytes(8)
HEAD_BYTES = 256 * 1024
JSON_TYPE = "application/json"
BYTES_TYPE = "application/octet-stream"
CONNECTION_HEADERS = frozenset(
    {"connection", "content-length", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
)
Headers = list[tuple[str, str]]


class BadAnswer(Exception):
    """The function's answer is no HTTP answer; the message says why."""


def answer_of(payload: bytes, default_type: str = JSON_TYPE) -> HttpResponse:
    """The answer that a whole payload stands for; `default_type` is that of one with a statusCode. Raises BadAnswer."""
    try:
        told = msgspec.json.decode(payload)
    except (ValueError, RecursionError) as error:
        raise BadAnswer(f"it is not JSON: {error}") from None
    if isinstance(told, dict) and "statusCode" in told:
        status, headers = head_of(told, default_type)
        return HttpResponse(status, headers, body_in(told))
    body = told.encode() if isinstance(told, str) else payload
    return HttpResponse(200, [("content-type", JSON_TYPE)], body)


def streamed_whole(payload: bytes, content_type: str) -> HttpResponse:
    """The answer of a function that streams, when its pieces came together. Raises BadAnswer."""
    if content_type != HTTP_ANSWER:
        return HttpResponse(200, [("content-type", BYTES_TYPE)], payload)
    split = split_head(payload)
    if split is None:
        raise BadAnswer("its head has no end")
    status, headers = parsed_head(split[0])
    return HttpResponse(status, headers, split[1])


def split_head(data: bytes) -> tuple[bytes, bytes] | None:
    """The head and what follows it; None when more is needed. Raises BadAnswer when it is too long."""
    head, end, rest = data.partition(HEAD_ENDS)
    if end:
        return head, rest
    if len(data) > HEAD_BYTES:
        raise BadAnswer(f"its head is over {HEAD_BYTES} bytes")
    return None


def parsed_head(head: bytes) -> tuple[int, Headers]:
    """Status and headers of a streamed answer. Raises BadAnswer."""
    try:
        told = msgspec.json.decode(head, type=dict[str, Any])
    except (ValueError, RecursionError) as error:
        raise BadAnswer(f"its head is no JSON object: {error}") from None
    return head_of(told, BYTES_TYPE)


def head_of(told: dict[str, Any], default_type: str) -> tuple[int, Headers]:
    """Status and headers. Raises BadAnswer."""
    headers = [
        (str(name).lower(), _value(name, value))
        for name, value in _members(told, "headers", dict).items()
        if str(name).lower() not in CONNECTION_HEADERS
    ]
    if any(not name or not name.isascii() or not name.isprintable() or " " in name for name, _ in headers):
        raise BadAnswer("a header has no legal name")
    if not any(name == "content-type" for name, _ in headers):
        headers.append(("content-type", default_type))
    for cookie in _members(told, "cookies", list):
        headers.append(("set-cookie", _value("set-cookie", cookie)))
    return _status(told.get("statusCode", 200)), headers


def _status(value: Any) -> int:
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 200 <= value <= 599:
        raise BadAnswer(f"its statusCode is {value!r}")
    return value


def _members(told: dict[str, Any], name: str, kind: type[Any]) -> Any:
    value = told.get(name)
    if value is None:
        return kind()
    if not isinstance(value, kind):
        raise BadAnswer(f"its {name} is no {'list' if kind is list else 'object'}")
    return value


def _value(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (str, int, float)):
        return str(value)
    raise BadAnswer(f"its header {name} is no string")


def body_in(told: dict[str, Any]) -> bytes:
    """The body of an answer that is a JSON object. Raises BadAnswer."""
    body = told.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        return msgspec.json.encode(body)
    if not told.get("isBase64Encoded"):
        return body.encode()
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        raise BadAnswer("its body is not base64, though isBase64Encoded says so") from None
