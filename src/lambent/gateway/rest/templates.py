"""What mappings make of a request for its integration, and of the integration's answer for the caller. Pure.

Source: API Gateway Developer Guide, "Set up data mapping for REST APIs": passthrough behaviors, content handling, the
choice of an integration response by a regular expression, and overrides by $context.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from lambent.gateway.rest.calls import RestCall
from lambent.gateway.rest.plans import MethodPlan
from lambent.gateway.rest.refusals import Refused, internal
from lambent.mapping import expressions
from lambent.mapping.expressions import Message
from lambent.mapping.input import Input, Util
from lambent.mapping.regexes import BadRegex, compiled
from lambent.mapping.vtl.parser import parse
from lambent.mapping.vtl.scope import TemplateFailed
from lambent.model.http import HttpResponse
from lambent.model.rest_api import Part

JSON_TYPE = "application/json"
TO_BINARY, TO_TEXT = "CONVERT_TO_BINARY", "CONVERT_TO_TEXT"


class Outgoing(Struct):
    """What an integration is sent: its body, and the parameters by place."""

    body: bytes
    path: dict[str, str] = {}
    querystring: dict[str, list[str]] = {}
    header: dict[str, str] = {}


class Backend(Struct, frozen=True):
    """What an integration answered. `chosen_by` is what selection patterns are matched with: a status, or the message
    of a function's error, "" for none."""

    chosen_by: str
    body: bytes
    headers: Mapping[str, list[str]] = {}


def outgoing(call: RestCall, method: MethodPlan, *, as_it_is: bool = False) -> Outgoing:
    """What the integration is sent; with `as_it_is` the body is the request's own. Raises Refused."""
    made = Outgoing(b"" if as_it_is else _body(call, method))
    message = Message(call.places, call.text if _reads_body(method) else "", call.context, call.variables)
    for place, name, source in method.parameters:
        values = expressions.value_of(source, message)
        if not values:
            continue
        if place == "querystring":
            made.querystring[name] = values
        else:
            getattr(made, place)[name] = values[0]
    overrides = call.context["requestOverride"]
    made.path |= _strings(overrides.get("path"))
    made.header |= _strings(overrides.get("header"))
    made.querystring |= {name: [value] for name, value in _strings(overrides.get("querystring")).items()}
    return made


def incoming(call: RestCall, method: MethodPlan, backend: Backend) -> HttpResponse:
    """What the caller gets of an integration's answer. Raises Refused."""
    chosen = selected(method.integration.get("integrationResponses", {}), backend.chosen_by)
    if chosen is None:
        call.log.append("No match for output mapping and no default endpoint mapping configured")
        raise internal()
    content_type, body = _answer_body(call, chosen, backend)
    headers = {"content-type": [content_type]}
    last = {name: values[-1] for name, values in backend.headers.items()}
    places = {"header": last, "multivalueheader": backend.headers}
    message = Message(places, backend.body.decode("utf-8", "replace"), call.context, call.variables)
    for target, text in chosen.get("responseParameters", {}).items():
        place = expressions.target_of(target, expressions.TO_CALLER)
        source = expressions.source_of(text, expressions.FROM_ANSWER)
        if place is not None and source is not None and (values := expressions.value_of(source, message)):
            headers[place[1].lower()] = values
    override = call.context["responseOverride"]
    headers |= {name.lower(): [value] for name, value in _strings(override.get("header")).items()}
    status = _status(override.get("status"), chosen["statusCode"])
    return HttpResponse(status, [(name, each) for name, values in headers.items() for each in values], body)


def selected(responses: Mapping[str, Part], text: str) -> Part | None:
    """The integration response for what an integration said: a pattern that matches wins over one without."""
    for status in sorted(responses):
        pattern = responses[status].get("selectionPattern")
        try:
            if pattern and compiled(pattern).matches(text):
                return responses[status]
        except BadRegex:
            continue
    without = [status for status in sorted(responses) if not responses[status].get("selectionPattern")]
    return responses[without[0]] if without else None


def rendered(call: RestCall, template: str, body: str, name: str) -> str:
    """What a template makes of a body. Raises Refused."""
    variables: dict[str, Any] = {
        "input": Input(body, call.places),
        "util": Util(),
        "context": call.context,
        "stageVariables": dict(call.variables),
    }
    try:
        return parse(template).render(variables)
    except TemplateFailed as error:
        call.log.append(f"Execution failed due to configuration error: Unable to transform {name}: {error}")
        raise internal() from None


def _body(call: RestCall, method: MethodPlan) -> bytes:
    integration, kind = method.integration, call.request.header("content-type", JSON_TYPE)
    templates: dict[str, str | None] = integration.get("requestTemplates") or {}
    plain = kind.partition(";")[0].strip().lower()
    handling = integration.get("contentHandling")
    if plain in templates:
        return _converted(rendered(call, templates[plain] or "", call.text, "request").encode(), handling)
    behavior = integration.get("passthroughBehavior", "WHEN_NO_MATCH")
    if behavior == "NEVER" or (behavior == "WHEN_NO_TEMPLATES" and templates):
        raise Refused("UNSUPPORTED_MEDIA_TYPE")
    return call.text.encode() if handling == TO_TEXT else _converted(call.request.body, handling)


def _answer_body(call: RestCall, chosen: Part, backend: Backend) -> tuple[str, bytes]:
    """The type and the body of the answer. Raises Refused."""
    templates: dict[str, str | None] = chosen.get("responseTemplates") or {}
    handling = chosen.get("contentHandling")
    kind = next((values[-1] for name, values in backend.headers.items() if name.lower() == "content-type"), JSON_TYPE)
    if not templates:
        if handling == TO_TEXT:
            return kind, base64.b64encode(backend.body)
        return kind, _converted(backend.body, handling)
    accepted = call.request.header("accept").partition(",")[0].partition(";")[0].strip()
    own = kind.partition(";")[0].strip().lower()
    chosen_kind = next((each for each in (accepted, own, JSON_TYPE) if each in templates), next(iter(templates)))
    text = rendered(call, templates[chosen_kind] or "", backend.body.decode("utf-8", "replace"), "response")
    return chosen_kind, _converted(text.encode(), handling)


def _converted(body: bytes, handling: str | None) -> bytes:
    if handling != TO_BINARY:
        return body
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        raise internal() from None


def _reads_body(method: MethodPlan) -> bool:
    return any(source.place == "body" for _, _, source in method.parameters)


def _strings(given: Any) -> dict[str, str]:
    if not isinstance(given, dict):
        return {}
    return {str(name): str(value) for name, value in given.items() if isinstance(value, (str, int, float))}


def _status(override: Any, usual: str) -> int:
    try:
        status = int(override)
    except (TypeError, ValueError):
        return int(usual)
    return status if 200 <= status <= 599 else int(usual)
