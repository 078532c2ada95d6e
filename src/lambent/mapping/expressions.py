"""Parameter mappings: where a value goes to, and where it comes from. Pure.

`integration.request.header.X` <- `method.request.querystring.y`, `'a constant'`, `context.requestId`,
`stageVariables.name`, `method.request.body.JSON.path`; and the same for answers.

Source: API Gateway Developer Guide, "Parameter mapping source reference for REST APIs".
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from lambent.mapping import paths
from lambent.mapping.input import header
from lambent.mapping.paths import BadPath
from lambent.mapping.vtl.values import text_of

NAME = r"([A-Za-z0-9._$-]+)"
CONSTANT = re.compile(r"'([^']*)'")
COMMON = re.compile(r"(context|stageVariables)\." + NAME)
REQUEST_PLACES = "path|querystring|header|multivaluequerystring|multivalueheader"
FROM_REQUEST = re.compile(rf"method\.request\.(?:({REQUEST_PLACES})\.{NAME}|body(?:\.(.+))?)")
FROM_ANSWER = re.compile(rf"integration\.response\.(?:(header|multivalueheader)\.{NAME}|body(?:\.(.+))?)")
TO_INTEGRATION = re.compile(rf"integration\.request\.(path|querystring|header)\.{NAME}")
TO_CALLER = re.compile(rf"method\.response\.(header)\.{NAME}")
TO_GATEWAY_RESPONSE = re.compile(rf"gatewayresponse\.(header)\.{NAME}")


class Source(Struct, frozen=True):
    """Where a value comes from. `place` is constant, context, stageVariables, body, or one of the message's."""

    place: str
    name: str = ""


class Message(Struct):
    """What values come from: the places of a request or an answer, its body as text, and what surrounds it."""

    places: Mapping[str, Mapping[str, Any]]
    body: str = ""
    context: Mapping[str, Any] = {}
    variables: Mapping[str, str] = {}


def target_of(text: str, form: re.Pattern[str]) -> tuple[str, str] | None:
    """Place and name of a mapping's key; None for what is not of this form."""
    match = form.fullmatch(text)
    return None if match is None else (match[1], match[2])


def source_of(text: str, form: re.Pattern[str]) -> Source | None:
    """The source of a mapping's value; None for what is not of this form."""
    if match := CONSTANT.fullmatch(text):
        return Source("constant", match[1])
    if match := COMMON.fullmatch(text):
        return Source(match[1], match[2])
    match = form.fullmatch(text)
    if match is None:
        return None
    if match[1]:
        return Source(match[1], match[2])
    path = f"$.{match[3]}" if match[3] else "$"
    try:
        paths.check(path)
    except BadPath:
        return None
    return Source("body", path)


def value_of(source: Source, message: Message) -> list[str]:
    """The values there; none where nothing is."""
    if source.place == "constant":
        return [source.name]
    if source.place == "stageVariables":
        return _texts(message.variables.get(source.name))
    if source.place == "context":
        return _texts(member_of(message.context, source.name))
    if source.place == "body":
        return _in_body(source.name, message.body)
    held = message.places.get(source.place, {})
    return _texts(header(held, source.name) if "header" in source.place else held.get(source.name))


def _in_body(path: str, body: str) -> list[str]:
    """The whole body as it came, or what is at a path: an object or a list as JSON."""
    if path == "$":
        return [body] if body else []
    try:
        found = paths.at(path, msgspec.json.decode(body))
    except (BadPath, msgspec.DecodeError, RecursionError):
        return []
    return [msgspec.json.encode(found).decode()] if isinstance(found, (dict, list)) else _texts(found)


def member_of(tree: Mapping[str, Any], path: str) -> Any:
    """`identity.sourceIp` in a tree of maps; None where nothing is. A whole name wins over the parts of it."""
    if path in tree:
        return tree[path]
    first, _, rest = path.partition(".")
    below = tree.get(first)
    return member_of(below, rest) if rest and isinstance(below, Mapping) else None


def _texts(found: Any) -> list[str]:
    if found is None:
        return []
    return [text_of(each) for each in found] if isinstance(found, list) else [text_of(found)]
