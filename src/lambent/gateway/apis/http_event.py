"""The events that an HTTP API hands to a function: payload formats 2.0 and 1.0, for routes and for authorizers. Pure.

Sources: behaviours section 22; API Gateway Developer Guide, "Create AWS Lambda proxy integrations for HTTP APIs" and
"Control access to HTTP APIs with AWS Lambda authorizers". That rawPath begins with the name of a stage that is not
`$default` is what public reports of the service show; that it is handed on as it stood on the request line is our
reading.
"""

from typing import Any
from urllib.parse import parse_qsl

import msgspec

from lambent.gateway.apis.http_call import HttpCall
from lambent.gateway.proxy_event import Facts, body_of, clean, headers_of, is_plain, query_of, time_of
from lambent.model.apis import PayloadFormat
from lambent.model.http import HttpRequest

NO_AUTHORIZER = {"claims": None, "scopes": None}


def event_2(call: HttpCall) -> bytes:
    """Payload format 2.0 as JSON. Members that have nothing to say are left out."""
    request = call.request
    event = _told_2(call, request)
    if call.authorizer is not None:
        event["requestContext"]["authorizer"] = call.authorizer
    encoded = False
    if request.body:
        event["body"], encoded = body_of(request.body, event["headers"].get("content-type", ""), is_plain)
    event["isBase64Encoded"] = encoded
    return msgspec.json.encode(event)


def _told_2(call: HttpCall, request: HttpRequest) -> dict[str, Any]:
    headers, cookies = headers_of(request, _facts(call))
    path = call.place.base + call.place.path
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": call.route_key,
        "rawPath": path,
        "rawQueryString": request.query,
    }
    if cookies:
        event["cookies"] = cookies
    event["headers"] = headers
    if request.query:
        event["queryStringParameters"] = query_of(request.query)
    event["requestContext"] = _context_2(call, path, headers.get("user-agent", ""))
    if call.parameters:
        event["pathParameters"] = call.parameters
    if call.variables:
        event["stageVariables"] = call.variables
    return event


def _context_2(call: HttpCall, path: str, user_agent: str) -> dict[str, Any]:
    return {
        "accountId": call.api.account,
        "apiId": call.api.api_id,
        "domainName": call.domain,
        "domainPrefix": call.domain.partition(".")[0],
        "http": {
            "method": call.request.method,
            "path": path,
            "protocol": "HTTP/1.1",
            "sourceIp": call.exchange.source_ip,
            "userAgent": user_agent,
        },
        "requestId": call.exchange.request_id,
        "routeKey": call.route_key,
        "stage": call.place.stage,
        "time": time_of(call.now_ms),
        "timeEpoch": call.now_ms,
    }


def event_1(call: HttpCall) -> bytes:
    """Payload format 1.0 as JSON. Members that have nothing to say are null."""
    request = call.request
    event, content_type = _told_1(call, request)
    body, encoded = body_of(request.body, content_type, is_plain) if request.body else (None, False)
    event["requestContext"]["authorizer"] = _authorizer_1(call)
    return msgspec.json.encode({"version": "1.0", **event, "body": body, "isBase64Encoded": encoded})


def _authorizer_1(call: HttpCall) -> dict[str, Any]:
    """Format 1.0 has what authorizers say without their kind."""
    told = call.authorizer or {}
    return told.get("jwt") or told.get("lambda") or NO_AUTHORIZER


def _told_1(call: HttpCall, request: HttpRequest) -> tuple[dict[str, Any], str]:
    """The event without body, and the type of the body."""
    joined, cookies = headers_of(request, _facts(call))
    many: dict[str, list[str]] = {}
    for name, value in request.headers:
        if name in joined:
            many.setdefault(name, []).append(clean(value))
    many |= {name: [value] for name, value in joined.items() if ",".join(many.get(name, ())) != value}
    if cookies:
        many["cookie"] = ["; ".join(cookies)]
    query: dict[str, list[str]] = {}
    for name, value in parse_qsl(request.query, keep_blank_values=True):
        query.setdefault(name, []).append(value)
    event = {
        "resource": _resource(call),
        "path": call.place.base + call.place.path,
        "httpMethod": request.method,
        "headers": {name: values[-1] for name, values in many.items()},
        "multiValueHeaders": many,
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "requestContext": _context_1(call, joined.get("user-agent", "")),
        "pathParameters": call.parameters or None,
        "stageVariables": call.variables or None,
    }
    return event, joined.get("content-type", "")


def _context_1(call: HttpCall, user_agent: str) -> dict[str, Any]:
    principal = call.exchange.principal
    return {
        "accountId": call.api.account,
        "apiId": call.api.api_id,
        "domainName": call.domain,
        "domainPrefix": call.domain.partition(".")[0],
        "extendedRequestId": call.exchange.request_id,
        "httpMethod": call.request.method,
        "identity": {
            "accessKey": call.access_key_id or None,
            "accountId": None if principal is None else principal.account,
            "caller": None if principal is None else principal.user_id,
            "cognitoAmr": None,
            "cognitoAuthenticationProvider": None,
            "cognitoAuthenticationType": None,
            "cognitoIdentityId": None,
            "cognitoIdentityPoolId": None,
            "principalOrgId": None,
            "sourceIp": call.exchange.source_ip,
            "user": None if principal is None else principal.user_id,
            "userAgent": user_agent,
            "userArn": None if principal is None else principal.arn,
        },
        "path": call.place.base + call.place.path,
        "protocol": "HTTP/1.1",
        "requestId": call.exchange.request_id,
        "requestTime": time_of(call.now_ms),
        "requestTimeEpoch": call.now_ms,
        "resourceId": call.route_key,
        "resourcePath": _resource(call),
        "stage": call.place.stage,
    }


def authorizer_event(call: HttpCall, payload_format: PayloadFormat, identity: list[str]) -> dict[str, Any]:
    """What a Lambda authorizer is asked; it never sees the body."""
    request = call.exchange.request
    if payload_format == "2.0":
        told = _told_2(call, request)
        return {**told, "type": "REQUEST", "routeArn": call.source_arn, "identitySource": identity or None}
    event, _ = _told_1(call, request)
    del event["multiValueHeaders"], event["multiValueQueryStringParameters"]
    joined = ",".join(identity)
    return {
        "version": "1.0",
        "type": "REQUEST",
        "methodArn": call.source_arn,
        "identitySource": joined,
        "authorizationToken": joined,
        **event,
    }


def _resource(call: HttpCall) -> str:
    return call.route_key.partition(" ")[2] or call.route_key


def _facts(call: HttpCall) -> Facts:
    return Facts(call.exchange.request_id, call.exchange.source_ip, call.trace_header, call.now_ms)
