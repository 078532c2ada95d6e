"""What `$request.header.name` and its kind stand for, alone or inside other text. Pure.

`$request.header.N`, `$request.querystring.N`, `$request.path`, `$request.path.N`, `$request.body`, `$request.body.N.M`,
`$response.header.N`, `$response.body`, `$context.N`, `$stageVariables.N`; each also as `${...}`.

Source: API Gateway Developer Guide, "Transform API requests and responses for HTTP APIs" and "Control access to HTTP
APIs with Lambda authorizers" (identity sources). That a body's path has names and [numbers] only is said there.
"""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from lambent.gateway.apis.context import CallContext, shown, value_of
from lambent.model.http import HttpRequest, HttpResponse

NAME = r"[A-Za-z0-9_-]+"
PATH = r"(?:\.[A-Za-z0-9_-]+|\[[0-9]+\])*"
ROOTS = (
    rf"request\.header\.{NAME}|request\.querystring\.{NAME}|request\.path(?:\.{NAME})?|request\.body{PATH}"
    rf"|response\.header\.{NAME}|response\.body{PATH}"
    rf"|context\.{NAME}(?:\.{NAME})*|stageVariables\.{NAME}"
)
VARIABLE = re.compile(rf"\$(?:\{{({ROOTS})\}}|({ROOTS}))")
STEP = re.compile(r"\.([A-Za-z0-9_-]+)|\[([0-9]+)\]")


class Scene:
    """What variables are read from: the request as it came, and the integration's answer, if it is there."""

    __slots__ = ("call", "request", "response")

    def __init__(self, call: CallContext, request: HttpRequest, response: HttpResponse | None = None) -> None:
        self.call, self.request, self.response = call, request, response


Read = Callable[[Scene], str | None]


def variable(text: str) -> Read | None:
    """What reads `text`, which is one variable and nothing else; None where it is not."""
    found = VARIABLE.fullmatch(text)
    return None if found is None else _reader(found[1] or found[2])


def template(text: str) -> Read:
    """What makes text with variables in it; a variable alone that is not there is None, inside text it is nothing."""
    alone = variable(text)
    if alone is not None:
        return alone
    pieces: list[str | Read] = []
    at = 0
    for found in VARIABLE.finditer(text):
        pieces += [text[at : found.start()], _reader(found[1] or found[2])]
        at = found.end()
    pieces.append(text[at:])
    return lambda scene: "".join(each if isinstance(each, str) else each(scene) or "" for each in pieces)


def _reader(path: str) -> Read:
    kind, _, rest = path.partition(".")
    if kind == "stageVariables":
        return lambda scene: scene.call.variables.get(rest)
    if kind == "context":
        value = value_of(rest)
        return lambda scene: None if value is None or (found := value(scene.call)) in (None, "") else shown(found)
    if rest.startswith("body"):
        return _body(rest.removeprefix("body"), of_request=kind == "request")
    place, _, name = rest.partition(".")
    if place == "header":
        return lambda scene: _header(scene.request if kind == "request" else scene.response, name.lower())
    if place == "querystring":
        return lambda scene: _query(scene.request.query, name)
    if name:
        return lambda scene: scene.call.parameters.get(name)
    return lambda scene: scene.call.place.path


def _header(message: HttpRequest | HttpResponse | None, name: str) -> str | None:
    values = [] if message is None else [value for each, value in message.headers if each.lower() == name]
    return ",".join(values) if values else None


def _query(query: str, name: str) -> str | None:
    values = [value for each, value in parse_qsl(query, keep_blank_values=True) if each == name]
    return ",".join(values) if values else None


def _body(path: str, *, of_request: bool) -> Read:
    steps = [name or int(number) for name, number in STEP.findall(path)]

    def read(scene: Scene) -> str | None:
        message: HttpRequest | HttpResponse | None = scene.request if of_request else scene.response
        if message is None or not message.body:
            return None
        if not steps:
            return message.body.decode("utf-8", "replace")
        found = _inside(message.body, steps)
        return found if found is None or isinstance(found, str) else msgspec.json.encode(found).decode()

    return read


def _inside(body: bytes, steps: list[str | int]) -> Any:
    try:
        found: Any = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return None
    for step in steps:
        if isinstance(step, str) and isinstance(found, dict):
            found = found.get(step)
        elif isinstance(step, int) and isinstance(found, list) and step < len(found):
            found = found[step]
        else:
            return None
    return found
