"""MOCK: the platform answers, as templates say.

The request template of the message makes JSON with a statusCode; the integration response for that status may make a
body, which a route with a route response sends back. That is how APIs answer a heartbeat without a function.

Source: API Gateway Developer Guide, "Set up a WebSocket API integration request" and "Set up a WebSocket API
integration response" (a key is `$default` or a regular expression in slashes, for the status). What is chosen where the
selection names no template is our own reading: `$default`, or else the only one.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
import structlog

from lambent.gateway.websockets.answer import Answer, Failed
from lambent.mapping.input import Input, Util
from lambent.mapping.regexes import BadRegex, compiled
from lambent.mapping.vtl.parser import parse
from lambent.mapping.vtl.scope import TemplateFailed
from lambent.model.apis import MockResponse, MockTarget
from lambent.model.selection import Sources, selector_of

DEFAULT = "$default"

log = structlog.get_logger()


def mocked(target: MockTarget, event: Mapping[str, Any]) -> Answer:
    """What the integration says to `event`. Raises Failed."""
    body = str(event.get("body") or "")
    template = chosen(target.templates, _selected(target.selection, event, body))
    if template is None:
        raise Failed(500)
    status = _status(_rendered(template, body, event))
    response = _response(target.responses, status)
    said = None if response is None else chosen(response.templates, _literal(response.selection))
    return Answer(status, {}, b"" if said is None else _rendered(said, "", event).encode())


def chosen(templates: Mapping[str, str], key: str) -> str | None:
    """The template for a key."""
    if key in templates:
        return templates[key]
    return templates.get(DEFAULT) or (next(iter(templates.values())) if len(templates) == 1 else None)


def _selected(expression: str, event: Mapping[str, Any], body: str) -> str:
    if "$" not in _literal(expression).removeprefix(DEFAULT):
        return _literal(expression)
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    return selector_of(expression)(Sources(body, headers, event.get("queryStringParameters") or {})) or DEFAULT


def _literal(expression: str) -> str:
    return expression.replace("\\$", "$")


def _response(responses: tuple[MockResponse, ...], status: int) -> MockResponse | None:
    usual = None
    for response in responses:
        if response.key == DEFAULT:
            usual = response
        elif _matches(response.key, status):
            return response
    return usual


def _matches(key: str, status: int) -> bool:
    try:
        return compiled(key.strip("/")).matches(str(status))
    except BadRegex:
        return False


def _rendered(template: str, body: str, event: Mapping[str, Any]) -> str:
    parameters = {"header": event.get("headers") or {}, "querystring": event.get("queryStringParameters") or {}}
    variables = {
        "input": Input(body, parameters),
        "util": Util(),
        "context": event["requestContext"],
        "stageVariables": event.get("stageVariables") or {},
    }
    try:
        return parse(template).render(variables)
    except TemplateFailed as error:
        request_id = event["requestContext"]["requestId"]
        log.warning(f"a template failed: {error}", action="websocket.mock", request_id=request_id)
        raise Failed(500) from None


def _status(text: str) -> int:
    try:
        told = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        told = None
    status = told.get("statusCode") if isinstance(told, dict) else None
    if not isinstance(status, int) or isinstance(status, bool) or not 200 <= status <= 599:
        raise Failed(500)
    return status
