"""AWS integrations with services other than Lambda: an operation is called with the integration's role. Pure but for
the call.

`action/NAME` is an operation by its name: of a service with a JSON protocol the body is its input, of one with a query
protocol the body and the mapped query are its parameters. `path/...` is a path, as SQS has for its queues, with the
Action among the parameters. An answer in XML is made JSON, as AWS does for callers that take it.

Source: API Gateway Developer Guide, "Integration with AWS services" and its tutorials for DynamoDB and SQS.
"""

from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree as Xml

import msgspec

from lambent.errors import ServiceError
from lambent.gateway.rest import traces
from lambent.gateway.rest.calls import RestCall
from lambent.gateway.rest.plans import MethodPlan
from lambent.gateway.rest.ports import Ports
from lambent.gateway.rest.refusals import internal
from lambent.gateway.rest.templates import Backend, Outgoing, outgoing
from lambent.mapping.uris import Operation, operation_of
from lambent.model.apis import execute_api_arn
from lambent.model.http import HttpRequest, HttpResponse
from lambent.model.rest_api import ServiceCall

FORM = "application/x-www-form-urlencoded"
TARGETS = {  # targetPrefix and jsonVersion of the services' botocore models
    "dynamodb": ("DynamoDB_20120810", "1.0"),
    "events": ("AWSEvents", "1.1"),
    "logs": ("Logs_20140328", "1.1"),
}


async def backend(call: RestCall, method: MethodPlan, ports: Ports) -> Backend:
    """What the service answers. Raises Refused."""
    operation = operation_of(method.integration["uri"], call.variables)
    if operation is None:
        raise internal()
    source_arn = execute_api_arn(call.api, call.place.stage, f"{call.request.method}{method.path}")
    request = _request(operation, outgoing(call, method), method.integration["httpMethod"])
    role = method.integration["credentials"]
    what = ServiceCall(role, source_arn, operation.service, operation.region, request, call.facts.request_id)
    if call.is_trial:
        uri = f"https://{operation.service}.{operation.region}.amazonaws.com{request.path}"
        call.log += traces.asked(uri, dict(request.headers), request.body)
    begin_s = ports.clock.monotonic_s()
    try:
        answer = await ports.call_service(what)
    except ServiceError as error:
        call.log.append(f"Execution failed due to configuration error: {error}")
        raise internal() from None
    finally:
        call.integration_ms = round((ports.clock.monotonic_s() - begin_s) * 1000)
    if call.is_trial:
        call.log += traces.came_back(answer.status, call.integration_ms, dict(answer.headers), answer.body)
    return Backend(str(answer.status), as_json(answer), {"content-type": ["application/json"]})


def _request(operation: Operation, made: Outgoing, verb: str) -> HttpRequest:
    headers = {name.lower(): value for name, value in made.header.items()}
    if operation.service in TARGETS:
        prefix, version = TARGETS[operation.service]
        headers |= {"x-amz-target": f"{prefix}.{operation.action}", "content-type": f"application/x-amz-json-{version}"}
        return HttpRequest(verb, "/", "", list(headers.items()), made.body)
    is_path = operation.kind == "path"
    given = {**({} if is_path else {"Action": operation.action}), **made.querystring}
    body = made.body
    if (
        "Action" in given
    ):  # a query, which services take as a form; another body, such as the caller's, is no part of it
        form = urlencode(given, doseq=True).encode()
        body = form + (b"&" + body if body and headers.get("content-type") == FORM else b"")
        headers["content-type"], given = FORM, {}
    path = f"/{operation.action}" if is_path else "/"
    return HttpRequest(verb, path, urlencode(given, doseq=True), list(headers.items()), body)


def as_json(answer: HttpResponse) -> bytes:
    """The answer's body; XML as JSON, each element an object or its text."""
    if not answer.body.lstrip().startswith(b"<"):
        return answer.body
    root = Xml.fromstring(answer.body)  # noqa: S314 (our own service's)
    return msgspec.json.encode({_name(root): _told(root)})


def _told(element: "Xml.Element") -> Any:
    if not len(element):
        return element.text
    found: dict[str, Any] = {}
    for child in element:
        name, value = _name(child), _told(child)
        if name in found:
            found[name] = [*(found[name] if isinstance(found[name], list) else [found[name]]), value]
        else:
            found[name] = value
    return found


def _name(element: "Xml.Element") -> str:
    return element.tag.rpartition("}")[2]
