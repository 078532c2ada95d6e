"""One request to a REST API, and all that is known of it on its way: parameters, $context, the body as text. Pure.

Source: API Gateway Developer Guide, "Variables for data transformations" ($context). Names of headers are shown to
functions and templates as the client wrote them, but for those that AWS writes itself. "Important notes for REST
APIs": a signature is not handed on. Recorded: neither is what belongs to the connection.
"""

import base64
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

from lambent.gateway.apis.address import Place
from lambent.gateway.proxy_event import Facts, clean, headers_of, time_of
from lambent.gateway.rest.plans import ApiPlan, MethodPlan
from lambent.model.apis import execute_api_arn
from lambent.model.http import HttpRequest
from lambent.model.rest_api import RestApi

BY_AWS = {
    name.lower(): name
    for name in ("Host", "X-Amzn-Trace-Id", "X-Forwarded-For", "X-Forwarded-Port", "X-Forwarded-Proto")
}
Many = dict[str, list[str]]


class RestCall:
    """What the stages of the way read, and what they learn."""

    def __init__(self, api: RestApi, place: Place, domain: str, request: HttpRequest, facts: Facts) -> None:
        self.api, self.place, self.domain, self.request, self.facts = api, place, domain, request, facts
        self.plan: ApiPlan | None = None
        self.method: MethodPlan | None = None
        self.path_parameters: dict[str, str] = {}
        self.authorizer: dict[str, Any] = {}
        self.identity: dict[str, Any] = {}
        self.usage_key = ""
        self.is_canary: bool | None = None
        self.log: list[str] = []
        self.is_trial = False  # then the log has what was sent and came back too
        self.refused: tuple[str, str | None] | None = None
        self.integration_ms: int | None = None
        self.begun_s = 0.0

    @property
    def arn(self) -> str:
        """What policies call this request."""
        return execute_api_arn(self.api, self.place.stage, f"{self.request.method}{self.place.path}")

    @property
    def variables(self) -> Mapping[str, str]:
        """The stage's variables."""
        return {} if self.plan is None else self.plan.variables

    @property
    def is_signed(self) -> bool:
        """Whether the Authorization header is for API Gateway alone, and goes to nobody else."""
        return self.method is not None and self.method.authorization == "AWS_IAM"

    @cached_property
    def written(self) -> dict[str, str]:
        """The names of headers as they are shown, by their lower-case forms."""
        return {name.lower(): name for name in self.request.names} | BY_AWS

    @cached_property
    def many_headers(self) -> Many:
        """The headers with all their values."""
        joined, cookies = headers_of(self.request, self.facts)
        for name in ("connection", "content-length", *(("authorization",) if self.is_signed else ())):
            joined.pop(name, None)
        given: Many = {}
        written = self.written
        for name, value in self.request.headers:
            given.setdefault(name, []).append(clean(value))
        many = {
            written.get(name, name): given[name] if name in given and len(given[name]) > 1 else [value]
            for name, value in joined.items()
        }
        if cookies:
            many[written.get("cookie", "cookie")] = ["; ".join(cookies)]
        return many

    @cached_property
    def headers(self) -> dict[str, str]:
        """The headers, the last value of each."""
        return {name: values[-1] for name, values in self.many_headers.items()}

    @cached_property
    def many_query(self) -> Many:
        """The parameters of the query with all their values."""
        query: Many = {}
        for name, value in parse_qsl(self.request.query, keep_blank_values=True):
            query.setdefault(name, []).append(value)
        return query

    @cached_property
    def query(self) -> dict[str, str]:
        """The parameters of the query, the last value of each."""
        return {name: values[-1] for name, values in self.many_query.items()}

    @property
    def places(self) -> dict[str, Mapping[str, Any]]:
        """What parameter mappings name."""
        return {
            "path": self.path_parameters,
            "querystring": self.query,
            "header": self.headers,
            "multivaluequerystring": self.many_query,
            "multivalueheader": self.many_headers,
        }

    @cached_property
    def is_binary(self) -> bool:
        """Whether the API's binaryMediaTypes name the type of the body."""
        return self.plan is not None and is_binary(self.plan.binary_types, self.request.header("content-type"))

    @cached_property
    def text(self) -> str:
        """The body as text: base64 for a binary one."""
        body = self.request.body
        return base64.b64encode(body).decode() if self.is_binary else body.decode("utf-8", "replace")

    @cached_property
    def extended_id(self) -> str:
        """x-amz-apigw-id."""
        digits = bytes.fromhex(self.facts.request_id.replace("-", "")[:22].ljust(22, "0"))
        return base64.urlsafe_b64encode(digits).decode()

    def request_context(self) -> dict[str, Any]:
        """The requestContext of events, and most of $context."""
        method, principal, facts = self.method, self.facts.principal, self.facts
        context: dict[str, Any] = {
            "resourceId": method.resource_id if method else None,
            "resourcePath": method.path if method else None,
            "httpMethod": self.request.method,
            "extendedRequestId": self.extended_id,
            "requestTime": time_of(facts.now_ms),
            "path": self.place.base + self.place.path,
            "accountId": self.api.account,
            "protocol": "HTTP/1.1",
            "stage": self.place.stage,
            "domainPrefix": self.domain.partition(".")[0],
            "requestTimeEpoch": facts.now_ms,
            "requestId": facts.request_id,
            "identity": {
                "cognitoIdentityPoolId": None,
                "accountId": principal.account if principal else None,
                "cognitoIdentityId": None,
                "caller": principal.user_id if principal else None,
                "sourceIp": facts.source_ip,
                "principalOrgId": None,
                "accessKey": facts.access_key_id or None,
                "cognitoAuthenticationType": None,
                "cognitoAuthenticationProvider": None,
                "userArn": principal.arn if principal else None,
                "userAgent": self.request.header("user-agent") or None,
                "user": principal.user_id if principal else None,
                **self.identity,
            },
            "domainName": self.domain,
            "deploymentId": self.plan.deployment_id if self.plan else None,
            "apiId": self.api.api_id,
        }
        if self.is_canary is not None:
            context["isCanaryRequest"] = self.is_canary
        if method is not None and method.operation_name:
            context["operationName"] = method.operation_name
        if self.authorizer:
            context["authorizer"] = self.authorizer
        return context

    @cached_property
    def context(self) -> dict[str, Any]:
        """$context, which templates may change."""
        request: dict[str, Any] = {"header": {}, "querystring": {}, "path": {}}
        overrides: dict[str, Any] = {"requestOverride": request, "responseOverride": {"header": {}}}
        return self.request_context() | overrides


def is_binary(media_types: tuple[str, ...], content_type: str) -> bool:
    """Whether one of `media_types`, which may have wildcards, names this type."""
    kind = content_type.partition(";")[0].strip().lower()
    return any(each == "*/*" or (kind and fnmatchcase(kind, each.lower())) for each in media_types)
