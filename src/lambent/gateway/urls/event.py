"""The event that a function URL hands to its function: payload format 2.0. Pure.

Source: behaviours sections 19 and 22; Lambda Developer Guide, "Invoking Lambda function URLs". That the
path is handed on as it stood on the request line, and that cookies are not among the headers too, is
our reading: the guide does not say.
"""

import base64
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct

from lambent.gateway.urls.address import UrlAddress
from lambent.model.http import HttpRequest
from lambent.model.principal import Principal

DEFAULT = "$default"
TEXT_TYPES = frozenset(
    {
        "application/json",
        "application/javascript",
        "application/xml",
        "application/x-www-form-urlencoded",
    }
)
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Facts(Struct, frozen=True):
    """What the event says that does not stand in the request. `principal` with an AWS_IAM URL only."""

    request_id: str
    source_ip: str
    trace_header: str
    now_ms: int
    principal: Principal | None = None
    access_key_id: str = ""


def event_of(request: HttpRequest, address: UrlAddress, facts: Facts) -> bytes:
    """The event as JSON."""
    headers, cookies = _headers(request, facts)
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": DEFAULT,
        "rawPath": address.path,
        "rawQueryString": request.query,
    }
    if cookies:
        event["cookies"] = cookies
    event["headers"] = headers
    if request.query:
        event["queryStringParameters"] = _query(request.query)
    event["requestContext"] = _context(request, address, facts, headers.get("user-agent", ""))
    text = _text(request.body, headers.get("content-type", ""))
    if request.body:
        event["body"] = base64.b64encode(request.body).decode() if text is None else text
    event["isBase64Encoded"] = bool(request.body) and text is None
    return msgspec.json.encode(event)


def _headers(request: HttpRequest, facts: Facts) -> tuple[dict[str, str], list[str]]:
    """The headers, repeated ones joined, and the cookies beside them."""
    headers: dict[str, str] = {}
    cookies: list[str] = []
    for name, raw in request.headers:
        value = _clean(raw)
        if name == "cookie":
            cookies += [part for part in (each.strip() for each in value.split(";")) if part]
        else:
            headers[name] = f"{headers[name]},{value}" if name in headers else value
    headers["x-forwarded-for"] = _joined(headers.get("x-forwarded-for"), facts.source_ip)
    headers.setdefault("x-forwarded-proto", "http")
    headers.setdefault("x-forwarded-port", _port(headers.get("host", ""), headers["x-forwarded-proto"]))
    headers["x-amzn-trace-id"] = facts.trace_header
    return headers, cookies


def _clean(raw: str) -> str:
    """A header's value as text: the parser gives bytes as Latin-1, and UTF-8 is what clients mean."""
    if raw.isascii():
        return raw
    try:
        return raw.encode("latin-1").decode()
    except UnicodeError:
        return raw


def _joined(first: str | None, second: str) -> str:
    return f"{first}, {second}" if first else second


def _port(host: str, scheme: str) -> str:
    port = host.rpartition(":")[2]
    return port if port.isdecimal() and port != host else "443" if scheme == "https" else "80"


def _query(query: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


def _context(request: HttpRequest, address: UrlAddress, facts: Facts, user_agent: str) -> dict[str, Any]:
    context: dict[str, Any] = {"accountId": "anonymous", "apiId": address.url_id}
    principal = facts.principal
    if principal is not None:
        context["accountId"] = principal.account
        context["authentication"] = None
        context["authorizer"] = {
            "iam": {
                "accessKey": facts.access_key_id,
                "accountId": principal.account,
                "callerId": principal.user_id,
                "cognitoIdentity": None,
                "principalOrgId": None,
                "userArn": principal.arn,
                "userId": principal.user_id,
            }
        }
    return context | {
        "domainName": address.domain,
        "domainPrefix": address.url_id,
        "http": {
            "method": request.method,
            "path": address.path,
            "protocol": "HTTP/1.1",
            "sourceIp": facts.source_ip,
            "userAgent": user_agent,
        },
        "requestId": facts.request_id,
        "routeKey": DEFAULT,
        "stage": DEFAULT,
        "time": _time(facts.now_ms),
        "timeEpoch": facts.now_ms,
    }


def _time(epoch_ms: int) -> str:
    """`05/Aug/2022:08:14:39 +0000`, whatever the process's locale is."""
    moment = datetime.fromtimestamp(epoch_ms / 1000, UTC)
    return f"{moment.day:02d}/{MONTHS[moment.month - 1]}/{moment.year}:{moment:%H:%M:%S} +0000"


def _text(body: bytes, content_type: str) -> str | None:
    """The body as text, None for what has to be base64."""
    kind = content_type.partition(";")[0].strip().lower()
    if not (kind.startswith("text/") or kind in TEXT_TYPES or kind.endswith(("+json", "+xml"))):
        return None
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None
