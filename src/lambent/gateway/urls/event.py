"""The event that a function URL hands to its function: payload format 2.0. Pure.

Source: behaviours sections 19 and 22; Lambda Developer Guide, "Invoking Lambda function URLs". That the
path is handed on as it stood on the request line is our reading: the guide does not say.
"""

from typing import Any

import msgspec

from lambent.gateway.proxy_event import Facts, body_of, headers_of, iam_of, is_text, query_of, time_of
from lambent.gateway.urls.address import UrlAddress
from lambent.model.http import HttpRequest

DEFAULT = "$default"


def event_of(request: HttpRequest, address: UrlAddress, facts: Facts) -> bytes:
    """The event as JSON."""
    headers, cookies = headers_of(request, facts)
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
        event["queryStringParameters"] = query_of(request.query)
    event["requestContext"] = _context(request, address, facts, headers.get("user-agent", ""))
    encoded = False
    if request.body:
        event["body"], encoded = body_of(request.body, headers.get("content-type", ""), is_text)
    event["isBase64Encoded"] = encoded
    return msgspec.json.encode(event)


def _context(request: HttpRequest, address: UrlAddress, facts: Facts, user_agent: str) -> dict[str, Any]:
    context: dict[str, Any] = {"accountId": "anonymous", "apiId": address.url_id}
    principal = facts.principal
    if principal is not None:
        context["accountId"] = principal.account
        context["authentication"] = None
        context["authorizer"] = iam_of(principal, facts.access_key_id)
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
        "time": time_of(facts.now_ms),
        "timeEpoch": facts.now_ms,
    }
