"""Route selection expressions of WebSocket APIs. Pure.

An expression is one variable (`$request.body.action`) or text with variables in it
(`${request.body.service}/${request.body.action}`). A variable is a member of the message, which has to be JSON, or a
header or a query parameter of the request that opened the connection.

Source: API Gateway Developer Guide, "WebSocket selection expressions in API Gateway". That numbers and booleans are
compared as JSON writes them is our own reading.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

VARIABLE = r"request\.(body|header|querystring)\.([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*)"
WHOLE = re.compile(rf"\${VARIABLE}")
INSIDE = re.compile(rf"\$\{{{VARIABLE}\}}")


class Sources(NamedTuple):
    """What variables stand for: the message, and the headers (lower-case) and parameters of the opening request."""

    message: str
    headers: Mapping[str, str]
    query: Mapping[str, str]


Selector = Callable[[Sources], str | None]
"""The route key that a message asks for; None where a variable has no value."""


@lru_cache(maxsize=1024)
def selector_of(expression: str) -> Selector:
    """Raises ValueError for what is no such expression."""
    whole = WHOLE.fullmatch(expression)
    if whole is not None:
        place, path = whole[1], whole[2].split(".")
        return lambda sources: _value(place, path, sources)
    parts: list[str | tuple[str, list[str]]] = []
    at = 0
    for found in INSIDE.finditer(expression):
        parts += [expression[at : found.start()], (found[1], found[2].split("."))]
        at = found.end()
    parts.append(expression[at:])
    if at == 0 or any(isinstance(part, str) and "$" in part for part in parts):
        raise ValueError(f"{expression!r} is no route selection expression; one is $request.body.action")
    return lambda sources: _joined(parts, sources)


def _joined(parts: list[str | tuple[str, list[str]]], sources: Sources) -> str | None:
    texts = [part if isinstance(part, str) else _value(*part, sources) for part in parts]
    return None if None in texts else "".join(text for text in texts if text is not None)


def _value(place: str, path: list[str], sources: Sources) -> str | None:
    if place == "header":
        return sources.headers.get(".".join(path).lower())
    if place == "querystring":
        return sources.query.get(".".join(path))
    try:
        value: Any = msgspec.json.decode(sources.message)
    except (msgspec.DecodeError, RecursionError):
        return None
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    if isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode() if isinstance(value, (bool, int, float)) else None
