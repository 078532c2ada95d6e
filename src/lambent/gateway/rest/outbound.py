"""HTTP and HTTP_PROXY: another server answers.

HTTP_PROXY hands the request on as it is, but for what belongs to one connection, with the parameters that are mapped in
it; HTTP sends what the mapping makes of it, and nothing else.

Source: API Gateway Developer Guide, "HTTP integrations for REST APIs" and "Gateway response types"
(INTEGRATION_FAILURE, INTEGRATION_TIMEOUT); RFC 9110 section 7.6.1 (headers of a connection).
"""

import re
from collections.abc import Iterable
from urllib.parse import quote, urlencode

from lambent.gateway.rest import traces
from lambent.gateway.rest.calls import RestCall
from lambent.gateway.rest.plans import MethodPlan
from lambent.gateway.rest.ports import Ports
from lambent.gateway.rest.refusals import Refused
from lambent.gateway.rest.templates import Backend, incoming, outgoing
from lambent.gateway.urls.answer import CONNECTION_HEADERS
from lambent.mapping.uris import filled
from lambent.model.http import HttpResponse, Outgoing

PARAMETER = re.compile(r"\{([A-Za-z0-9._:-]+)\+?\}")
NOT_HANDED_ON = CONNECTION_HEADERS | {"host", "expect", "proxy-authenticate", "proxy-authorization", "x-api-key"}
AGENT = ("user-agent", "AmazonAPIGateway_")
Pairs = list[tuple[str, str]]


async def proxied(call: RestCall, method: MethodPlan, ports: Ports) -> HttpResponse:
    """The other server's answer as it is. Raises Refused."""
    made = outgoing(call, method, as_it_is=True)
    named = {name.lower() for name in made.header}
    headers = [each for each in handed_on(call) if each[0].lower() not in named] + list(made.header.items())
    query = {**call.many_query, **made.querystring}
    answer = await _send(call, method, ports, (headers, query, made.path, call.request.body))
    only_head = call.request.method == "HEAD" and method.integration["httpMethod"] in ("ANY", "HEAD")
    return HttpResponse(answer.status, _kept(answer.headers, only_head=only_head), answer.body)


async def mapped(call: RestCall, method: MethodPlan, ports: Ports) -> HttpResponse:
    """What the mapping makes of the other server's answer. Raises Refused."""
    made = outgoing(call, method)
    named = {name.lower() for name in made.header}
    usual: Pairs = [(name, call.request.header(name)) for name in ("content-type", "accept")]
    headers = [each for each in (*usual, AGENT) if each[1] and each[0] not in named] + list(made.header.items())
    answer = await _send(call, method, ports, (headers, made.querystring, made.path, made.body))
    several: dict[str, list[str]] = {}
    for name, value in answer.headers:
        several.setdefault(name, []).append(value)
    return incoming(call, method, Backend(str(answer.status), answer.body, several))


async def _send(
    call: RestCall, method: MethodPlan, ports: Ports, what: tuple[Pairs, dict[str, list[str]], dict[str, str], bytes]
) -> HttpResponse:
    headers, query, path, body = what
    integration, clock = method.integration, ports.clock
    verb = integration["httpMethod"]
    request = Outgoing(
        call.request.method if verb == "ANY" else verb,
        url_of(filled(integration["uri"], call.variables), {**call.path_parameters, **path}, query),
        [*headers, ("x-amzn-apigateway-api-id", call.api.api_id)],
        body,
        integration["timeoutInMillis"] / 1000,
        ports.tools.rules.answer_bytes,
    )
    if call.is_trial:
        call.log += traces.asked(request.url, dict(request.headers), body)
    begin_s = clock.monotonic_s()
    try:
        answer = await ports.tools.send(request)
    except TimeoutError:
        call.log.append("Execution failed due to a timeout error")
        raise Refused("INTEGRATION_TIMEOUT") from None
    except (OSError, ValueError) as error:  # nobody there, too long; or the parameters make no URL
        call.log.append(f"Execution failed due to configuration error: {error}")
        raise Refused("INTEGRATION_FAILURE") from None
    finally:
        call.integration_ms = round((clock.monotonic_s() - begin_s) * 1000)
    if call.is_trial:
        call.log += traces.came_back(answer.status, call.integration_ms, dict(answer.headers), answer.body)
    return answer


def url_of(uri: str, path: dict[str, str], query: dict[str, list[str]]) -> str:
    """Where the request goes."""
    whole = PARAMETER.sub(lambda found: quote(path.get(found[1], ""), safe="/:@!$&'()*+,;=~"), uri)
    if not query:
        return whole
    return f"{whole}{'&' if '?' in whole else '?'}{urlencode(query, doseq=True)}"


def handed_on(call: RestCall) -> Pairs:
    """The headers that another server gets of the request."""
    request = call.request
    named = {word.strip().lower() for word in request.header("connection").split(",")}
    named |= {"authorization"} if call.is_signed else set()
    kept = [each for each in request.headers if each[0] not in NOT_HANDED_ON and each[0] not in named]
    added = ("x-forwarded-for", "x-forwarded-proto", "x-forwarded-port", "x-amzn-trace-id")
    own = {name.lower(): values[-1] for name, values in call.many_headers.items() if name.lower() in added}
    whole = [each for each in kept if each[0] not in own] + list(own.items())
    return [(call.written.get(name, name), value) for name, value in whole]


def _kept(headers: Iterable[tuple[str, str]], *, only_head: bool) -> Pairs:
    """Of a head without a body, the length too: only the other server knows it."""
    left_out = CONNECTION_HEADERS - {"content-length"} if only_head else CONNECTION_HEADERS
    return [each for each in headers if each[0].lower() not in left_out]
