"""What each type of integration does with a request, and the answer that comes of it.

Source: API Gateway Developer Guide, "Integrations for REST APIs", "Set up asynchronous invocation of the backend Lambda
function" (X-Amz-Invocation-Type) and "Handle Lambda errors in API Gateway" (a function's error is chosen by its
message), and "Important notes for REST APIs": WWW-Authenticate of a proxy integration gets another name.
"""

import base64
import re
from typing import Any

import msgspec

from lambent.gateway.apis.http_answer import answer_of_rest
from lambent.gateway.rest import functions, outbound, services
from lambent.gateway.rest.calls import RestCall, is_binary
from lambent.gateway.rest.events import proxy_event
from lambent.gateway.rest.plans import MethodPlan
from lambent.gateway.rest.ports import Ports
from lambent.gateway.rest.refusals import internal
from lambent.gateway.rest.templates import Backend, incoming, outgoing
from lambent.gateway.urls.answer import BadAnswer
from lambent.mapping.input import header
from lambent.mapping.uris import wraps_function
from lambent.model.apis import execute_api_arn
from lambent.model.http import HttpResponse
from lambent.model.invocation import Invocation

JSON_TYPE = "application/json"
REMAPPED = {"www-authenticate": "x-amzn-remapped-www-authenticate"}
FLAG = b'"isBase64Encoded"'
# Loose, as AWS reads it: templates that are in use leave the quotes out, `{statusCode: 200}`.
STATUS_CODE = re.compile(r"""["']?statusCode["']?\s*:\s*["']?([1-5]\d\d)\b""")


class Encoded(msgspec.Struct):
    """The one member of an answer that says whether its body is base64."""

    isBase64Encoded: Any = False


async def run(call: RestCall, method: MethodPlan, ports: Ports) -> HttpResponse:
    """The answer of the method's integration. Raises Refused."""
    kind = method.integration["type"]
    if kind == "AWS_PROXY":
        return _renamed(await _proxied_function(call, method, ports))
    if kind == "AWS":
        ask = _function if wraps_function(method.integration["uri"]) else services.backend
        return incoming(call, method, await ask(call, method, ports))
    if kind == "MOCK":
        return incoming(call, method, _mock(call, method))
    if kind == "HTTP_PROXY":
        return _renamed(await outbound.proxied(call, method, ports))
    return await outbound.mapped(call, method, ports)


def _renamed(answer: HttpResponse) -> HttpResponse:
    """What a proxy integration says, with the names that API Gateway gives to headers that it keeps for itself."""
    if any(name in REMAPPED for name, _ in answer.headers):
        answer.headers = [(REMAPPED.get(name, name), value) for name, value in answer.headers]
    return answer


async def _proxied_function(call: RestCall, method: MethodPlan, ports: Ports) -> HttpResponse:
    integration = method.integration
    function = await functions.permitted(call, ports, integration["uri"], source_arn(call, method))
    result = await functions.invoke(call, ports, function, proxy_event(call), integration["timeoutInMillis"] / 1000)
    if result.function_error:
        call.log.append("Execution failed due to configuration error: Malformed Lambda proxy response")
        raise internal(502)
    try:
        answer = answer_of_rest(result.payload, JSON_TYPE)
    except BadAnswer as error:
        call.log.append(f"Execution failed due to configuration error: Malformed Lambda proxy response: {error}")
        raise internal(502) from None
    if FLAG in result.payload and not _takes_bytes(call) and _is_encoded(result.payload):
        answer.body = base64.b64encode(answer.body)
    return answer


def _is_encoded(payload: bytes) -> bool:
    return bool(msgspec.json.decode(payload, type=Encoded).isBase64Encoded)


def _takes_bytes(call: RestCall) -> bool:
    """Whether a body that came as base64 goes out as bytes: where the type that the client accepts first is one of the
    API's binary types, whatever the answer's own type is."""
    return call.plan is not None and is_binary(call.plan.binary_types, call.request.header("accept").partition(",")[0])


async def _function(call: RestCall, method: MethodPlan, ports: Ports) -> Backend:
    integration = method.integration
    function = await functions.permitted(call, ports, integration["uri"], source_arn(call, method))
    sent = outgoing(call, method)
    event = sent.body or b"{}"
    try:
        msgspec.json.decode(event)
    except (ValueError, RecursionError) as error:
        call.log.append(f"Lambda could not parse the request body into JSON: {error}")
        raise internal() from None
    if header(sent.header, "x-amz-invocation-type") == "Event":
        facts = call.facts
        await ports.enqueue(Invocation(ports.ids.uuid(), function.key, function.qualifier, event, facts.trace_header))
        return Backend("", b"")
    result = await functions.invoke(call, ports, function, event, integration["timeoutInMillis"] / 1000)
    if not result.function_error:
        return Backend("", result.payload)
    return Backend(_message(result.payload), result.payload)


def _mock(call: RestCall, method: MethodPlan) -> Backend:
    """What a mock says of itself: the statusCode that its request template makes."""
    made = outgoing(call, method).body.decode("utf-8", "replace")
    found = STATUS_CODE.search(made)
    if found is None:
        call.log.append("Execution failed: a mock integration's request template has to make a JSON object with a "
                        "statusCode")  # fmt: skip
        raise internal()
    return Backend(found[1], b"")


def _message(payload: bytes) -> str:
    try:
        told = msgspec.json.decode(payload)
    except (ValueError, RecursionError):
        return "Unhandled"
    message = told.get("errorMessage") if isinstance(told, dict) else None
    return str(message) if message else "Unhandled"


def source_arn(call: RestCall, method: MethodPlan) -> str:
    """What a function's resource policy knows a method by: its resource's path, not the request's."""
    return execute_api_arn(call.api, call.place.stage, f"{call.request.method}{method.path}")
