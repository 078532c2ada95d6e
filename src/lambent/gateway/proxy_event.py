"""What the events of function URLs and APIs have in common: how headers, queries, bodies and times are told. Pure.

Source: behaviours sections 19 and 22; Lambda Developer Guide, "Invoking Lambda function URLs"; API Gateway
Developer Guide, "Create AWS Lambda proxy integrations for HTTP APIs". That cookies are not among the headers
too is our reading: the guides do not say. Which bodies an HTTP API hands on as text is recorded behaviour: forms are
not among them, which those of function URLs are.
"""

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from msgspec import Struct

from lambent.model.http import HttpRequest
from lambent.model.principal import Principal

PLAIN_TYPES = frozenset({"application/json", "application/javascript", "application/xml"})
FORM_TYPE = "application/x-www-form-urlencoded"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Facts(Struct, frozen=True):
    """What an event says that does not stand in the request. `principal` where the request had to be signed."""

    request_id: str
    source_ip: str
    trace_header: str
    now_ms: int
    principal: Principal | None = None
    access_key_id: str = ""


def headers_of(request: HttpRequest, facts: Facts) -> tuple[dict[str, str], list[str]]:
    """The headers, repeated ones joined, and the cookies beside them."""
    headers: dict[str, str] = {}
    cookies: list[str] = []
    for name, raw in request.headers:
        value = clean(raw)
        if name == "cookie":
            cookies += [part for part in (each.strip() for each in value.split(";")) if part]
        else:
            headers[name] = f"{headers[name]},{value}" if name in headers else value
    headers["x-forwarded-for"] = _joined(headers.get("x-forwarded-for"), facts.source_ip)
    headers.setdefault("x-forwarded-proto", "http")
    headers.setdefault("x-forwarded-port", _port(headers.get("host", ""), headers["x-forwarded-proto"]))
    headers["x-amzn-trace-id"] = facts.trace_header
    return headers, cookies


def clean(raw: str) -> str:
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


def query_of(query: str) -> dict[str, str]:
    """The parameters of a query, repeated ones joined."""
    found: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


def iam_of(principal: Principal, access_key_id: str) -> dict[str, Any]:
    """The `authorizer` of a request that was signed."""
    return {
        "iam": {
            "accessKey": access_key_id,
            "accountId": principal.account,
            "callerId": principal.user_id,
            "cognitoIdentity": None,
            "principalOrgId": None,
            "userArn": principal.arn,
            "userId": principal.user_id,
        }
    }


def time_of(epoch_ms: int) -> str:
    """`05/Aug/2022:08:14:39 +0000`, whatever the process's locale is."""
    return _second(epoch_ms // 1000)


@lru_cache(maxsize=8)
def _second(epoch_s: int) -> str:
    moment = datetime.fromtimestamp(epoch_s, UTC)
    return f"{moment.day:02d}/{MONTHS[moment.month - 1]}/{moment.year}:{moment:%H:%M:%S} +0000"


def is_plain(kind: str) -> bool:
    """Whether HTTP APIs hand on a body of this type as it is."""
    return kind in PLAIN_TYPES or kind.startswith("text/")


def is_text(kind: str) -> bool:
    """Whether function URLs do."""
    return is_plain(kind) or kind == FORM_TYPE or kind.endswith(("+json", "+xml"))


def body_of(body: bytes, content_type: str, stays: Callable[[str], bool]) -> tuple[str, bool]:
    """The body as text, and whether that is base64; one of a type that `stays` is not, where it is text."""
    if stays(content_type.partition(";")[0].strip().lower()):
        try:
            return body.decode(), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(body).decode(), True
