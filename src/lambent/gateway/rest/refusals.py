"""The answers of a REST API's gateway: what went wrong, as its owner wants it told. Pure.

Source: API Gateway Developer Guide, "Gateway responses for REST APIs". A type that nobody has changed takes what was
set for DEFAULT_4XX or DEFAULT_5XX. That a refused caller is told in a `Message` with a capital is recorded behaviour.
"""

from typing import Any

import msgspec

from lambent.gateway.rest.calls import RestCall
from lambent.mapping import expressions
from lambent.mapping.expressions import Message
from lambent.mapping.gateway_responses import DEFAULTS, TEMPLATE
from lambent.mapping.input import Input, Util
from lambent.mapping.vtl.parser import parse
from lambent.mapping.vtl.scope import TemplateFailed
from lambent.model.http import HttpResponse
from lambent.model.rest_api import Part

JSON_TYPE = "application/json"
DENIED = "ACCESS_DENIED"
Headers = list[tuple[str, str]]


class Refused(Exception):
    """A request ends here, with a gateway response.

    Args:
        kind: its type.
        message: what to say instead of the usual message; None is said as null.
        status: for failures whose type has none.
        error_type: x-amzn-errortype, where it is not the type's usual one.
    """

    def __init__(
        self, kind: str, message: str | None = "", status: int = 500, error_type: str = "", details: str = ""
    ) -> None:
        super().__init__(kind)
        self.kind, self.status, self.details = kind, status, details
        usual = DEFAULTS[kind]
        self.message = usual.message if message == "" else message
        self.error_type = error_type or usual.error_type or "InternalServerErrorException"


def internal(status: int = 500) -> Refused:
    """Our fault, or the integration's."""
    return Refused("DEFAULT_5XX", "Internal server error", status)


def answer_of(refused: Refused, call: RestCall) -> HttpResponse:
    """The gateway response."""
    call.refused = (refused.kind, refused.message)
    part, status = _part(refused, call)
    own: Headers = [("x-amzn-errortype", refused.error_type)]
    if part is None and refused.kind == DENIED:
        return HttpResponse(status, [("content-type", JSON_TYPE), *own], _told("Message", refused.message))
    if part is None:
        return HttpResponse(status, [("content-type", JSON_TYPE), *own], _told("message", refused.message))
    error = {
        "message": refused.message,
        "messageString": msgspec.json.encode(refused.message).decode(),
        "responseType": refused.kind,
        "validationErrorString": msgspec.json.encode(refused.details).decode()[1:-1],  # to stand in quotes
    }
    context = call.request_context() | {"error": error, "status": str(status)}
    message = Message(call.places, "", context, call.variables)
    given = _parameters(part, message)
    kind, template = _template(part, call)
    try:
        variables = {
            "context": context,
            "stageVariables": dict(call.variables),
            "input": Input("", {}),
            "util": Util(),
        }
        body = parse(template).render(variables).encode()
    except TemplateFailed:
        body = _told("message", refused.message)
    named = {name for name, _ in given}
    own = [("content-type", kind), *own]
    return HttpResponse(status, [each for each in own if each[0] not in named] + given, body)


def _told(member: str, message: str | None) -> bytes:
    return msgspec.json.encode({member: message})


def _part(refused: Refused, call: RestCall) -> tuple[Part | None, int]:
    """What the owner has set, if anything, and the status."""
    status = DEFAULTS[refused.kind].status or refused.status
    responses: dict[str, Part] = {} if call.plan is None else call.plan.document.responses
    own = responses.get(refused.kind)
    common = responses.get("DEFAULT_5XX" if status >= 500 else "DEFAULT_4XX")
    part = own or common
    return part, int(part["statusCode"]) if part is not None and part.get("statusCode") else status


def _parameters(part: Part, message: Message) -> Headers:
    found: Headers = []
    for target, text in part.get("responseParameters", {}).items():
        place = expressions.target_of(target, expressions.TO_GATEWAY_RESPONSE)
        source = expressions.source_of(text, expressions.FROM_REQUEST)
        if place is not None and source is not None:
            found += [(place[1].lower(), value) for value in expressions.value_of(source, message)[:1]]
    return found


def _template(part: Part, call: RestCall) -> tuple[str, str]:
    templates: dict[str, Any] = part.get("responseTemplates") or TEMPLATE
    wanted = call.request.header("accept").partition(",")[0].partition(";")[0].strip()
    kind = wanted if wanted in templates else JSON_TYPE if JSON_TYPE in templates else next(iter(templates))
    return kind, templates[kind] or ""
