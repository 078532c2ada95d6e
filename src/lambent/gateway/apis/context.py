"""The variables `$context.NAME` of a request to an API, for access logs, parameter mapping and identity sources. Pure.

A kind of API has a CallContext for each request, or something with more in it. What is not known is "-", as in AWS.

Source: API Gateway Developer Guide, "Customize HTTP API access logs" (the list of variables) and "Variables for
access logging for API Gateway" (REST and WebSocket APIs).
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from lambent.gateway.apis.address import Place
from lambent.gateway.exchange import Exchange
from lambent.gateway.proxy_event import time_of
from lambent.model.apis import CompiledApi

NOTHING = "-"


class CallContext:
    """What is known of one request. Times are of the clock; a duration that was not measured is None."""

    __slots__ = (
        "access_key_id",
        "api",
        "authorizer_values",
        "domain",
        "exchange",
        "integration_error",
        "integration_ms",
        "integration_status",
        "message",
        "now_ms",
        "parameters",
        "place",
        "response_bytes",
        "response_ms",
        "route_key",
        "status",
        "variables",
    )

    def __init__(
        self, exchange: Exchange, api: CompiledApi, place: Place, domain: str, variables: Mapping[str, str]
    ) -> None:
        self.exchange, self.api, self.place, self.domain, self.variables = exchange, api, place, domain, variables
        self.parameters: Mapping[str, str] = {}
        self.authorizer_values: Mapping[str, Any] = {}
        self.route_key = self.message = self.integration_error = self.access_key_id = ""
        self.now_ms = self.status = self.response_bytes = self.integration_status = 0
        self.integration_ms: int | None = None
        self.response_ms: int | None = None


Value = Callable[[CallContext], object]
VALUES: dict[str, Value] = {
    "accountId": lambda call: call.api.account,
    "apiId": lambda call: call.api.api_id,
    "awsEndpointRequestId": lambda call: call.exchange.request_id,
    "dataProcessed": lambda call: len(call.exchange.request.body) + call.response_bytes,
    "domainName": lambda call: call.domain,
    "domainPrefix": lambda call: call.domain.partition(".")[0],
    "error.message": lambda call: call.message,
    "error.messageString": lambda call: msgspec.json.encode(call.message).decode() if call.message else "",
    "error.responseType": lambda call: call.message and ("DEFAULT_5XX" if call.status >= 500 else "DEFAULT_4XX"),
    "extendedRequestId": lambda call: call.exchange.request_id,
    "httpMethod": lambda call: call.exchange.request.method,
    "identity.accessKey": lambda call: call.access_key_id,
    "identity.accountId": lambda call: call.exchange.principal and call.exchange.principal.account,
    "identity.caller": lambda call: call.exchange.principal and call.exchange.principal.user_id,
    "identity.sourceIp": lambda call: call.exchange.source_ip,
    "identity.user": lambda call: call.exchange.principal and call.exchange.principal.user_id,
    "identity.userAgent": lambda call: call.exchange.request.header("user-agent"),
    "identity.userArn": lambda call: call.exchange.principal and call.exchange.principal.arn,
    "integration.error": lambda call: call.integration_error,
    "integration.integrationStatus": lambda call: call.integration_status or None,
    "integration.latency": lambda call: call.integration_ms,
    "integration.requestId": lambda call: call.exchange.request_id if call.integration_status else None,
    "integration.status": lambda call: call.integration_status or None,
    "integrationErrorMessage": lambda call: call.integration_error,
    "integrationLatency": lambda call: call.integration_ms,
    "integrationStatus": lambda call: call.integration_status or None,
    "path": lambda call: call.place.base + call.place.path,
    "protocol": lambda _: "HTTP/1.1",
    "requestId": lambda call: call.exchange.request_id,
    "requestTime": lambda call: time_of(call.now_ms),
    "requestTimeEpoch": lambda call: call.now_ms,
    "resourcePath": lambda call: call.route_key.partition(" ")[2] or call.route_key,
    "responseLatency": lambda call: call.response_ms,
    "responseLength": lambda call: call.response_bytes,
    "routeKey": lambda call: call.route_key,
    "stage": lambda call: call.place.stage,
    "status": lambda call: call.status or None,
}
AUTHORIZER = "authorizer."
UNKNOWN_HERE = frozenset(
    {
        "authorizer.error",
        "customDomain.basePathMatched",
        "identity.cognitoAuthenticationProvider",
        "identity.cognitoAuthenticationType",
        "identity.cognitoIdentityId",
        "identity.cognitoIdentityPoolId",
        "identity.principalOrgId",
        "identity.clientCert.clientCertPem",
        "identity.clientCert.subjectDN",
        "identity.clientCert.issuerDN",
        "identity.clientCert.serialNumber",
        "identity.clientCert.validity.notBefore",
        "identity.clientCert.validity.notAfter",
    }
)
"""What AWS has and is never known here."""


def value_of(name: str) -> Value | None:
    """What reads the variable `$context.NAME`; None for a name that there is not."""
    if name in UNKNOWN_HERE:
        return lambda _: None
    if name.startswith(AUTHORIZER):
        keys = name.removeprefix(AUTHORIZER).split(".")
        return lambda call: _inside(call.authorizer_values, keys)
    return VALUES.get(name)


def shown(value: object) -> str:
    """A value as text; "" and None are nothing."""
    if value is None or value == "":
        return NOTHING
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _inside(value: object, keys: list[str]) -> object:
    for key in keys:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value
