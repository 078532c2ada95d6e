"""Request parameters of a WebSocket integration: what the other server is told beside the message. Pure.

A destination is a header, a query parameter or a part of the path of the integration request; a source is a variable of
the event ($connect, message or $disconnect), or a text in quotes.

Source: API Gateway Developer Guide, "WebSocket API mapping template reference" (parameters) and "Set up a WebSocket API
integration request": `integration.request.header.NAME` from `context.connectionId`, `route.request.body.a.b`, 'text'.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

NAME = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
DESTINATION = re.compile(rf"integration\.request\.(header|querystring|path)\.({NAME})")
SOURCE = re.compile(
    r"'(?P<text>[^']*)'"
    r"|context\.(?P<context>[A-Za-z0-9]+(?:\.[A-Za-z0-9_-]+)*)"
    r"|stageVariables\.(?P<variable>[A-Za-z0-9_]+)"
    rf"|route\.request\.(?P<place>header|querystring)\.(?P<name>{NAME})"
    r"|route\.request\.body(?P<body>(?:\.[A-Za-z0-9_-]+)*)"
)
KEPT_BACK = frozenset({"host", "content-length", "transfer-encoding", "connection", "upgrade", "expect"})


class Told(NamedTuple):
    """What the parameters come to."""

    headers: list[tuple[str, str]]
    query: list[tuple[str, str]]
    path: dict[str, str]


def problem(parameters: Mapping[str, str]) -> str:
    """What is wrong with the parameters; "" for nothing."""
    for destination, source in parameters.items():
        found = DESTINATION.fullmatch(destination)
        if found is None or (found[1] == "header" and found[2].lower() in KEPT_BACK):
            return f"{destination!r} cannot be set; one that can is integration.request.header.connectionId"
        if SOURCE.fullmatch(source) is None:
            return f"{source!r} is no source; one is context.connectionId"
    return ""


def told(parameters: Mapping[str, str], event: Mapping[str, Any]) -> Told:
    """What the parameters come to for `event`; a source without a value is left out."""
    result = Told([], [], {})
    for destination, source in parameters.items():
        found, value = DESTINATION.fullmatch(destination), _value(source, event)
        if found is None or value is None:
            continue
        if found[1] == "header":
            result.headers.append((found[2].lower(), "".join(each for each in value if each.isprintable())))
        elif found[1] == "querystring":
            result.query.append((found[2], value))
        else:
            result.path[found[2]] = value
    return result


def _value(source: str, event: Mapping[str, Any]) -> str | None:
    found = SOURCE.fullmatch(source)
    if found is None:
        return None
    if found["text"] is not None:
        return found["text"]
    if found["context"]:
        return _plain(_inside(event.get("requestContext"), found["context"].split(".")))
    if found["variable"]:
        return _plain((event.get("stageVariables") or {}).get(found["variable"]))
    if found["place"]:
        return _of_request(event, found["place"], found["name"])
    body = event.get("body")
    path = [each for each in found["body"].split(".") if each]
    return _plain(body if not path else _inside(_json(body), path))


def _of_request(event: Mapping[str, Any], place: str, name: str) -> str | None:
    if place == "querystring":
        return _plain((event.get("queryStringParameters") or {}).get(name))
    headers = event.get("headers") or {}
    return next((str(value) for key, value in headers.items() if key.lower() == name.lower()), None)


def _json(body: Any) -> Any:
    try:
        return msgspec.json.decode(body or "")
    except (msgspec.DecodeError, RecursionError):
        return None


def _inside(value: Any, path: list[str]) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _plain(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()
