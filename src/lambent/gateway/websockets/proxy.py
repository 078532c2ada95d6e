"""HTTP_PROXY: another server hears the message, and what it says is the route's answer.

Its body is the message (nothing for $connect and $disconnect); everything else that it is to know stands in the
integration's request parameters.

Source: API Gateway Developer Guide, "Set up a WebSocket API integration request".
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

import structlog

from lambent.gateway.apis.sending import Send
from lambent.gateway.websockets.answer import TIMED_OUT, Answer, Failed
from lambent.model.apis import HttpTarget, WebSocketRoute
from lambent.model.http import Outgoing
from lambent.model.websocket_mapping import told

PARAMETER = re.compile(r"\{([A-Za-z0-9._-]+)\+?\}")

log = structlog.get_logger()


async def proxied(
    send: Send, target: HttpTarget, route: WebSocketRoute, event: Mapping[str, Any], most_bytes: int
) -> Answer:
    """What the other server says. Raises Failed."""
    try:
        answer = await send(outgoing(target, route, event, most_bytes))
    except TimeoutError:
        raise Failed(504, TIMED_OUT) from None
    except (OSError, ValueError) as error:  # nobody there, or too long; or the parameters make no URL
        request_id = event["requestContext"]["requestId"]
        log.warning(f"a server did not answer: {error!r}", action="websocket.proxy", request_id=request_id)
        raise Failed(500) from None
    return Answer(answer.status, dict(answer.headers), answer.body)


def outgoing(target: HttpTarget, route: WebSocketRoute, event: Mapping[str, Any], most_bytes: int) -> Outgoing:
    """The integration request. Pure."""
    said = told(route.request_parameters, event)
    url = PARAMETER.sub(lambda found: quote(said.path.get(found[1], ""), safe=""), target.url)
    if said.query:
        url += ("&" if "?" in url else "?") + urlencode(said.query)
    body = str(event.get("body") or "").encode()
    named = {name for name, _ in said.headers}
    usual = [("content-type", "application/json")] if body else []
    usual.append(("user-agent", f"AmazonAPIGateway_{event['requestContext']['apiId']}"))
    headers = [*said.headers, *(each for each in usual if each[0] not in named)]
    return Outgoing(target.method, url, headers, body, target.timeout_ms / 1000, most_bytes, target.server_name)
