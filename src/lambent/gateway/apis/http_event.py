"""The events that an HTTP API hands to a function: payload formats 2.0 and 1.0. Pure.

Sources: behaviours section 22; API Gateway Developer Guide, "Create AWS Lambda proxy integrations for HTTP APIs".
That rawPath begins with the name of a stage that is not `$default`, and is handed on as it stood on the request
line, is recorded behaviour of the first and our reading of the second.
"""

from typing import Any
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct

from lambent.gateway.apis.address import Place
from lambent.gateway.proxy_event import Facts, body_of, clean, headers_of, query_of, time_of
from lambent.model.http import HttpRequest


class Route(Struct, frozen=True):
    """What an event says about the route that was taken."""

    api_id: str
    account: str
    domain: str
    key: str
    place: Place
    variables: dict[str, str]
    parameters: dict[str, str]
    authorizer: dict[str, Any] | None = None


def event_2(request: HttpRequest, route: Route, facts: Facts) -> bytes:
    """Payload format 2.0 as JSON. Members that have nothing to say are left out."""
    headers, cookies = headers_of(request, facts)
    path = route.place.base + route.place.path
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": route.key,
        "rawPath": path,
        "rawQueryString": request.query,
    }
    if cookies:
        event["cookies"] = cookies
    event["headers"] = headers
    if request.query:
        event["queryStringParameters"] = query_of(request.query)
    event["requestContext"] = _context_2(request, route, facts, path, headers.get("user-agent", ""))
    if route.parameters:
        event["pathParameters"] = route.parameters
    if route.variables:
        event["stageVariables"] = route.variables
    encoded = False
    if request.body:
        event["body"], encoded = body_of(request.body, headers.get("content-type", ""))
    event["isBase64Encoded"] = encoded
    return msgspec.json.encode(event)


def _context_2(request: HttpRequest, route: Route, facts: Facts, path: str, user_agent: str) -> dict[str, Any]:
    context: dict[str, Any] = {"accountId": route.account, "apiId": route.api_id}
    if route.authorizer is not None:
        context["authorizer"] = route.authorizer
    context["domainName"] = route.domain
    context["domainPrefix"] = route.domain.partition(".")[0]
    context["http"] = {
        "method": request.method,
        "path": path,
        "protocol": "HTTP/1.1",
        "sourceIp": facts.source_ip,
        "userAgent": user_agent,
    }
    context["requestId"] = facts.request_id
    context["routeKey"] = route.key
    context["stage"] = route.place.stage
    context["time"] = time_of(facts.now_ms)
    context["timeEpoch"] = facts.now_ms
    return context


def event_1(request: HttpRequest, route: Route, facts: Facts) -> bytes:
    """Payload format 1.0 as JSON. Members that have nothing to say are null."""
    joined, cookies = headers_of(request, facts)
    given: dict[str, list[str]] = {}
    for name, value in request.headers:
        given.setdefault(name, []).append(clean(value))
    many = {name: given[name] if name in given and value == ",".join(given[name]) else [value]
            for name, value in joined.items()}  # fmt: skip
    if cookies:
        many["cookie"] = ["; ".join(cookies)]
    query: dict[str, list[str]] = {}
    for name, value in parse_qsl(request.query, keep_blank_values=True):
        query.setdefault(name, []).append(value)
    body, encoded = body_of(request.body, joined.get("content-type", "")) if request.body else (None, False)
    event = {
        "version": "1.0",
        "resource": route.key.partition(" ")[2] or route.key,
        "path": route.place.base + route.place.path,
        "httpMethod": request.method,
        "headers": {name: values[-1] for name, values in many.items()},
        "multiValueHeaders": many,
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "requestContext": _context_1(request, route, facts, joined.get("user-agent", "")),
        "pathParameters": route.parameters or None,
        "stageVariables": route.variables or None,
        "body": body,
        "isBase64Encoded": encoded,
    }
    return msgspec.json.encode(event)


def _context_1(request: HttpRequest, route: Route, facts: Facts, user_agent: str) -> dict[str, Any]:
    principal = facts.principal
    resource = route.key.partition(" ")[2] or route.key
    return {
        "accountId": route.account,
        "apiId": route.api_id,
        "authorizer": route.authorizer or {"claims": None, "scopes": None},
        "domainName": route.domain,
        "domainPrefix": route.domain.partition(".")[0],
        "extendedRequestId": facts.request_id,
        "httpMethod": request.method,
        "identity": {
            "accessKey": facts.access_key_id or None,
            "accountId": None if principal is None else principal.account,
            "caller": None if principal is None else principal.user_id,
            "cognitoAmr": None,
            "cognitoAuthenticationProvider": None,
            "cognitoAuthenticationType": None,
            "cognitoIdentityId": None,
            "cognitoIdentityPoolId": None,
            "principalOrgId": None,
            "sourceIp": facts.source_ip,
            "user": None if principal is None else principal.user_id,
            "userAgent": user_agent,
            "userArn": None if principal is None else principal.arn,
        },
        "path": route.place.base + route.place.path,
        "protocol": "HTTP/1.1",
        "requestId": facts.request_id,
        "requestTime": time_of(facts.now_ms),
        "requestTimeEpoch": facts.now_ms,
        "resourceId": route.key,
        "resourcePath": resource,
        "stage": route.place.stage,
    }
