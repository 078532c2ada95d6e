"""Parameter mapping of HTTP APIs: what is changed in a request before the integration sees it, and in its answer. Pure.

The form of mappings is in `model/parameter_mapping.py`. What has no value (a header that the request lacks) changes
nothing, nor does a value that HTTP does not allow in a header, which is our own choice.

Source: API Gateway Developer Guide, "Transform API requests and responses for HTTP APIs".
"""

import re
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl, quote, urlencode

from lambent.gateway.apis.expressions import Read, Scene, template
from lambent.model.http import HttpRequest, HttpResponse
from lambent.model.parameter_mapping import REQUEST_KEY, RESPONSE_KEY

Headers = list[tuple[str, str]]
Step = tuple[str, str, str, Read]
"""Action, place, name ("" where the place needs none) and value."""


def request_change(mappings: Mapping[str, str]) -> Callable[[Scene], tuple[HttpRequest, str | None]] | None:
    """What makes the request that the integration sees, and the path where it is another; None for no mappings."""
    if not mappings:
        return None
    steps = _steps(mappings, REQUEST_KEY)

    def change(scene: Scene) -> tuple[HttpRequest, str | None]:
        request, path = scene.request, None
        headers, query = list(request.headers), request.query
        for action, place, name, read in steps:
            value = "" if action == "remove" else read(scene)
            if value is None:
                continue
            if place == "header":
                headers = _with_header(headers, action, name.lower(), value)
            elif place == "querystring":
                query = _with_parameter(query, action, name, value)
            else:
                path = quote(value if value.startswith("/") else f"/{value}", safe="/:@!$&'()*+,;=~%")
        return HttpRequest(request.method, request.path, query, headers, request.body), path

    return change


def response_change(
    by_status: Mapping[str, Mapping[str, str]],
) -> Callable[[Scene, HttpResponse], HttpResponse] | None:
    """What makes the answer that the client gets; None for no mappings."""
    if not by_status:
        return None
    steps = {status: _steps(mappings, RESPONSE_KEY) for status, mappings in by_status.items()}

    def change(scene: Scene, response: HttpResponse) -> HttpResponse:
        headers, status = response.headers, response.status
        for action, place, name, read in steps.get(str(response.status), ()):
            value = "" if action == "remove" else read(scene)
            if value is None:
                continue
            if place == "header":
                headers = _with_header(headers, action, name.lower(), value)
            else:
                status = int(value)
        return HttpResponse(status, headers, response.body)

    return change


def _steps(mappings: Mapping[str, str], key_form: re.Pattern[str]) -> list[Step]:
    steps = []
    for key, value in mappings.items():
        found = key_form.fullmatch(key)
        if found is not None:
            action, place, name, alone = found.groups()
            steps.append((action, place or alone, name or "", template(value)))
    return steps


def _with_header(headers: Headers, action: str, name: str, value: str) -> Headers:
    if not value.isprintable():
        return headers
    if action == "append":
        return [*headers, (name, value)]
    kept = [each for each in headers if each[0].lower() != name]
    return kept if action == "remove" else [*kept, (name, value)]


def _with_parameter(query: str, action: str, name: str, value: str) -> str:
    pairs = parse_qsl(query, keep_blank_values=True)
    if action != "append":
        pairs = [each for each in pairs if each[0] != name]
    if action != "remove":
        pairs.append((name, value))
    return urlencode(pairs)
