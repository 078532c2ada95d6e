"""Who may open a connection: signatures, and Lambda authorizers.

Source: API Gateway Developer Guide, "Control and manage access to WebSocket APIs": only $connect has authorization. A
REQUEST authorizer whose identity sources are not all there is not asked, and the answer is 401; a denial is 403; an
authorizer that raises "Unauthorized" is 401 too, and one that fails otherwise 500. Answers are not kept, as AWS keeps
none for WebSocket APIs.
"""

from collections.abc import Mapping
from typing import Any

from lambent.errors import ServiceError
from lambent.gateway.apis.authorizer_policy import BadVerdict
from lambent.gateway.apis.authorizers.answers import verdict_of
from lambent.gateway.apis.authorizers.function import says_unauthorized
from lambent.gateway.authentication import Authentication
from lambent.gateway.exchange import Exchange
from lambent.gateway.proxy_event import Facts
from lambent.gateway.websockets.answer import FORBIDDEN, Failed
from lambent.gateway.websockets.event import Standing, authorizer_event, encoded
from lambent.gateway.websockets.integrations import Call, Integrations
from lambent.model.apis import WebSocketApi, WebSocketAuthorizer, execute_api_arn
from lambent.protocol.sigv4 import credential_of

SIGNING_NAME = "execute-api"
UNAUTHORIZED = "Unauthorized"


async def check_signature(exchange: Exchange, api: WebSocketApi, authenticate: Authentication) -> None:
    """Return when the request is signed by somebody of the API's account. Raises Failed."""
    try:
        waiting = authenticate(exchange)
        if waiting is not None:
            await waiting
    except ServiceError as error:
        raise Failed(error.status if error.status >= 500 else 403, error.message or FORBIDDEN) from None
    principal = exchange.principal
    signed_for = (exchange.service, exchange.region)
    if principal is None or signed_for != (SIGNING_NAME, api.region) or principal.account != api.account:
        raise Failed(403, FORBIDDEN)


def identity_of(exchange: Exchange) -> dict[str, Any]:
    """What an event says of who signed."""
    principal = exchange.principal
    assert principal is not None
    return {
        "accessKey": credential_of(exchange.request).access_key_id,
        "accountId": principal.account,
        "caller": principal.user_id,
        "user": principal.user_id,
        "userArn": principal.arn,
    }


class Authorizers:
    """Lambda authorizers of WebSocket APIs."""

    def __init__(self, integrations: Integrations) -> None:
        self._integrations = integrations

    async def ask(
        self,
        authorizer: WebSocketAuthorizer,
        exchange: Exchange,
        api: WebSocketApi,
        standing: Standing,
        facts: Facts,
    ) -> Mapping[str, Any]:
        """What events say of whom it let in. Raises Failed."""
        method_arn = execute_api_arn(api, standing.stage, "$connect")
        event = authorizer_event(exchange.request, standing, facts, method_arn)
        if not all(_is_there(source, event) for source in authorizer.sources):
            raise Failed(401, UNAUTHORIZED)
        if authorizer.target is None:
            raise Failed(500)
        source_arn = (
            f"arn:aws:execute-api:{api.region}:{api.account}:{api.api_id}/authorizers/{authorizer.authorizer_id}"
        )
        call = Call(api, standing.stage, "$connect", facts.request_id, facts.trace_header)
        try:
            payload = await self._integrations.payload(call, authorizer.target, source_arn, encoded(event))
            verdict = verdict_of(payload, simple=False)
            allowed = verdict.lets(method_arn, {"aws:sourceip": exchange.source_ip})
        except Failed as failed:
            raise (Failed(401, UNAUTHORIZED) if says_unauthorized(failed.payload) else Failed(500)) from None
        except BadVerdict:
            raise Failed(500) from None
        if not allowed:
            raise Failed(403, FORBIDDEN)
        return {"principalId": verdict.principal_id, **verdict.values}


def _is_there(source: str, event: Mapping[str, Any]) -> bool:
    """Whether an identity source (`route.request.header.NAME`, ...) has a value in the authorizer's event."""
    place, _, name = source.removeprefix("route.request.").partition(".")
    if place == "header":
        return any(key.lower() == name.lower() and value for key, value in event["headers"].items())
    if place == "querystring":
        return bool(event["queryStringParameters"].get(name))
    if place == "stageVariables":
        return bool(event["stageVariables"].get(name))
    return bool(event["requestContext"].get(name))
