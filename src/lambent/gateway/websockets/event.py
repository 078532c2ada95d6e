"""The events of WebSocket APIs: CONNECT, MESSAGE and DISCONNECT, and what an authorizer is asked. Pure.

Source: behaviours section 22 (WebSocket); API Gateway Developer Guide, "Lambda proxy integrations for WebSocket APIs"
and the events in "Set up WebSocket API integration requests"; names of headers are written as AWS writes them, because
HTTP's own are the same in any case and functions look them up as they came there.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct

from lambent.gateway.http.websocket import Ending
from lambent.gateway.proxy_event import Facts, clean, headers_of, time_of
from lambent.model.http import HttpRequest

CONNECT, MESSAGE, DISCONNECT = "CONNECT", "MESSAGE", "DISCONNECT"
SPECIAL = {"websocket": "WebSocket", "x-amzn-trace-id": "X-Amzn-Trace-Id", "te": "TE", "dnt": "DNT"}


class Standing(Struct, frozen=True):
    """What every event of one connection says."""

    api_id: str
    account: str
    stage: str
    domain: str
    connection_id: str
    connected_ms: int
    source_ip: str
    user_agent: str = ""
    variables: Mapping[str, str] = {}
    authorizer: Mapping[str, Any] | None = None
    identity: Mapping[str, Any] = {}


def connect_event(request: HttpRequest, standing: Standing, facts: Facts) -> dict[str, Any]:
    """A client asks for a connection."""
    event: dict[str, Any] = {**request_members(request, facts)}
    if standing.variables:
        event["stageVariables"] = dict(standing.variables)
    context = context_of(standing, "$connect", CONNECT, facts)
    return {**event, "requestContext": context, "isBase64Encoded": False}


def message_event(standing: Standing, route_key: str, text: str, facts: Facts, message_id: str) -> dict[str, Any]:
    """A client has sent a message."""
    context = context_of(standing, route_key, MESSAGE, facts)
    event: dict[str, Any] = {"requestContext": {**context, "messageId": message_id}}
    if standing.variables:
        event["stageVariables"] = dict(standing.variables)
    return {**event, "body": text, "isBase64Encoded": False}


def disconnect_event(standing: Standing, ending: Ending, facts: Facts) -> dict[str, Any]:
    """A connection has ended."""
    headers = {"Host": standing.domain, "x-api-key": "", "X-Forwarded-For": "", "x-restapi": ""}
    context = context_of(standing, "$disconnect", DISCONNECT, facts)
    context |= {"disconnectStatusCode": ending.code, "disconnectReason": ending.reason}
    event: dict[str, Any] = {"headers": headers, "multiValueHeaders": {name: [text] for name, text in headers.items()}}
    if standing.variables:
        event["stageVariables"] = dict(standing.variables)
    return {**event, "requestContext": context, "isBase64Encoded": False}


def authorizer_event(request: HttpRequest, standing: Standing, facts: Facts, method_arn: str) -> dict[str, Any]:
    """May this client have a connection?"""
    members = request_members(request, facts)
    for name in ("queryStringParameters", "multiValueQueryStringParameters"):
        members.setdefault(name, {})
    return {
        "type": "REQUEST",
        "methodArn": method_arn,
        **members,
        "stageVariables": dict(standing.variables),
        "requestContext": context_of(standing, "$connect", CONNECT, facts),
    }


def request_members(request: HttpRequest, facts: Facts) -> dict[str, Any]:
    """Headers and parameters of the request that opens a connection, the last and all values of each."""
    joined, cookies = headers_of(request, facts)
    given: dict[str, list[str]] = {}
    for name, value in request.headers:
        given.setdefault(name, []).append(clean(value))
    values = {name: given.get(name, [text]) if name not in ("x-forwarded-for",) else [text]
              for name, text in joined.items()}  # fmt: skip
    if cookies:
        values["cookie"] = ["; ".join(cookies)]
    many = {cased(name): each for name, each in values.items()}
    members: dict[str, Any] = {
        "headers": {name: each[-1] for name, each in many.items()},
        "multiValueHeaders": many,
    }
    query: dict[str, list[str]] = {}
    for name, value in parse_qsl(request.query, keep_blank_values=True):
        query.setdefault(name, []).append(value)
    if query:
        members["queryStringParameters"] = {name: each[-1] for name, each in query.items()}
        members["multiValueQueryStringParameters"] = query
    return members


def context_of(standing: Standing, route_key: str, event_type: str, facts: Facts) -> dict[str, Any]:
    """The requestContext."""
    identity: dict[str, Any] = {**standing.identity, "sourceIp": standing.source_ip}
    if standing.user_agent:
        identity["userAgent"] = standing.user_agent
    context: dict[str, Any] = {"routeKey": route_key}
    if standing.authorizer is not None:
        context["authorizer"] = dict(standing.authorizer)
    return context | {
        "eventType": event_type,
        "extendedRequestId": facts.request_id,
        "requestTime": time_of(facts.now_ms),
        "messageDirection": "IN",
        "stage": standing.stage,
        "connectedAt": standing.connected_ms,
        "requestTimeEpoch": facts.now_ms,
        "identity": identity,
        "requestId": facts.request_id,
        "domainName": standing.domain,
        "connectionId": standing.connection_id,
        "apiId": standing.api_id,
    }


def cased(name: str) -> str:
    """`sec-websocket-key` as `Sec-WebSocket-Key`."""
    return SPECIAL.get(name) or "-".join(SPECIAL.get(part) or part.capitalize() for part in name.split("-"))


def encoded(event: Mapping[str, Any]) -> bytes:
    """The event as JSON."""
    return msgspec.json.encode(event)
