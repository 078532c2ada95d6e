"""HTTP_PROXY: another server answers.

The integration's URL is where requests go, with the parameters of the path in it where it names them, and the
request's query behind its own. What belongs to one connection only is not handed on.

Source: API Gateway Developer Guide, "Create HTTP proxy integrations for HTTP APIs"; RFC 9110 section 7.6.1 (headers of
a connection), RFC 7239 (Forwarded). That a server that cannot be reached is a 503 is our reading of
behaviours section 22, which has it for what takes too long.
"""

import re
from urllib.parse import quote

import structlog

from lambent.gateway.apis.http_call import HttpCall
from lambent.gateway.apis.sending import Send
from lambent.gateway.exchange import Step
from lambent.gateway.urls.answer import CONNECTION_HEADERS
from lambent.model.apis import HttpTarget
from lambent.model.http import HttpRequest, HttpResponse, Outgoing

PARAMETER = re.compile(r"\{([A-Za-z0-9._:-]+)\+?\}")
NOT_HANDED_ON = CONNECTION_HEADERS | {"host", "expect", "proxy-authenticate", "proxy-authorization", "forwarded", "via"}
VIA = ("via", "HTTP/1.1 AmazonAPIGateway")

log = structlog.get_logger()


class ProxyIntegration:
    """One integration."""

    def __init__(self, target: HttpTarget, send: Send, most_bytes: int) -> None:
        self._target, self._send, self._most_bytes = target, send, most_bytes

    async def __call__(self, call: HttpCall) -> Step:
        """Answer."""
        target, request = self._target, call.request
        call.begin_integration()
        try:
            answer = await self._send(
                Outgoing(
                    request.method if target.method == "ANY" else target.method,
                    url_of(target.url, request.query, call),
                    headers_of(request, call),
                    request.body,
                    target.timeout_ms / 1000,
                    self._most_bytes,
                    target.server_name,
                )
            )
        except (OSError, ValueError) as error:  # nobody there, too late, too long; or the parameters make no URL
            log.warning(f"a server did not answer: {error!r}", action="api.proxy", request_id=call.exchange.request_id)
            return call.failed(f"{type(error).__name__}: {error}", away=True)
        left_out = CONNECTION_HEADERS
        if request.method == "HEAD" and target.method in ("ANY", "HEAD"):  # only the other server knows how long it is
            left_out = CONNECTION_HEADERS - {"content-length"}
        kept = [each for each in answer.headers if each[0] not in left_out]
        return call.answered(HttpResponse(answer.status, kept, answer.body))


def url_of(template: str, query: str, call: HttpCall) -> str:
    """Where the request goes."""
    filled = PARAMETER.sub(lambda found: quote(call.parameters.get(found[1], ""), safe="/:@!$&'()*+,;=~"), template)
    if not query:
        return filled
    return f"{filled}{'&' if '?' in filled else '?'}{query}"


def headers_of(request: HttpRequest, call: HttpCall) -> list[tuple[str, str]]:
    """What the other server is told."""
    named = {word.strip().lower() for word in request.header("connection").split(",")}
    kept = [each for each in request.headers if each[0] not in NOT_HANDED_ON and each[0] not in named]
    proto = request.header("x-forwarded-proto", "http")
    told = f"for={call.exchange.source_ip};host={request.header('host')};proto={proto}"
    if all(name != "x-amzn-trace-id" for name, _ in kept):
        kept.append(("x-amzn-trace-id", call.trace_header))
    return [*kept, ("forwarded", told), VIA]
