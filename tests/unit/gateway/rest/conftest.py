"""A REST API in the edge, without an edge: functions, control and other servers are stand-ins."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from lambent.clock import FakeClock
from lambent.gateway.apis.address import ApiAddress
from lambent.gateway.apis.api import Rules
from lambent.gateway.apis.authorizers.answers import Verdicts
from lambent.gateway.apis.metrics import ApiMetrics
from lambent.gateway.exchange import Exchange
from lambent.gateway.rest.served import ServedRestApi
from lambent.ids import FakeIds
from lambent.model.http import HttpRequest, HttpResponse, Outgoing
from lambent.model.invocation import Invocation, InvocationResult
from lambent.model.meter import Collected
from lambent.model.rest_api import KeyUse, KeyVerdict, RestApi, RestDocument, RestStage, ServiceCall

ACCOUNT, REGION, API = "111111111111", "us-east-1", "api0000000"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"
URI = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{FUNCTION}/invocations"
OK = {"application/json": '{"statusCode": 200}'}


class World:
    """One API, and whoever it talks to."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.document = RestDocument(
            {"id": API, "name": "n", "apiKeySource": "HEADER", "rootResourceId": "root"},
            {"root": {"id": "root", "path": "/", "resourceMethods": {}}},
        )
        self.function: Callable[[Any], Any] = lambda event: {"statusCode": 200, "body": "fine"}
        self.failed = self.permitted = False
        self.verdict = KeyVerdict("")
        self.events: list[Any] = []
        self.sent: list[Outgoing] = []
        self.queued: list[Invocation] = []
        self.called: list[ServiceCall] = []
        self.uses: list[KeyUse] = []
        self.away = HttpResponse(200, [("content-type", "application/json")], b"{}")
        self.permitted, self.admits = True, True
        self.stage: dict[str, Any] = {}

    def method(self, path: str, verb: str, integration: dict[str, Any], **options: Any) -> dict[str, Any]:
        usual = {"passthroughBehavior": "WHEN_NO_MATCH", "timeoutInMillis": 29_000, "httpMethod": "POST", "uri": URI}
        method = {"httpMethod": verb, "authorizationType": "NONE", "apiKeyRequired": False, **options}
        method["methodIntegration"] = usual | integration
        resource = self.document.resources.setdefault(path, {"id": path, "path": path, "resourceMethods": {}})
        resource["resourceMethods"][verb] = method
        return method

    def mock(self, path: str = "/m", answer: str = "", **options: Any) -> dict[str, Any]:
        responses = {"200": {"statusCode": "200", "responseTemplates": {"application/json": answer}}}
        integration = {"type": "MOCK", "requestTemplates": OK, "integrationResponses": responses}
        return self.method(path, "GET", integration, **options)

    def served(self) -> ServedRestApi:
        stage = RestStage("prod", "d1", self.document, **{"variables": {"v": "w"}, **self.stage})
        return ServedRestApi(RestApi(API, ACCOUNT, REGION, {"prod": stage}), self._ports())  # type: ignore[arg-type]

    async def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> HttpResponse:
        answer: HttpResponse = await self.ask_of(self.served(), method, path, body, **headers)
        return answer

    async def ask_of(self, served: ServedRestApi, method: str, path: str, body: bytes = b"", **headers: str) -> Any:
        path, _, query = path.partition("?")
        written = [name.replace("_", "-") for name in headers]
        named = [(name.lower(), value) for name, value in zip(written, headers.values(), strict=True)]
        request = HttpRequest(method, path, query, [("host", "h"), *named], body, ["host", *written])
        exchange = Exchange(request, "11111111-2222-4333-8444-555555555555", "10.0.0.9", lambda _: None, came_s=0.0)
        step = served(exchange, ApiAddress(API, "", path, "h", "prod"))
        return step if isinstance(step, HttpResponse) else await step  # type: ignore[misc]

    def _ports(self) -> "World":
        self.tools, self.ids, self.rules = self, FakeIds(), Rules(4000, 1000, 2000, 1000)
        self.permits = self.throttles = self.access_logs = self
        self.metrics = self.__dict__.setdefault("metrics", ApiMetrics(self._measured, self.clock))
        self.verdicts = self.__dict__.setdefault("verdicts", Verdicts(self.clock))
        return self

    async def _measured(self, collected: list[Collected]) -> None:
        self.collected = collected

    # What the way asks of others.
    def known(self, *_: Any) -> bool:
        return self.permitted

    def buckets(self, *wanted: Any) -> tuple[Any, ...]:
        return wanted

    async def admit(self, _: Any) -> bool:
        return self.admits

    async def spend(self, use: KeyUse) -> KeyVerdict:
        self.uses.append(use)
        return self.verdict

    async def enqueue(self, invocation: Invocation) -> None:
        self.queued.append(invocation)

    async def call_service(self, call: ServiceCall) -> HttpResponse:
        self.called.append(call)
        return HttpResponse(200, [], b'<R xmlns="urn:x"><A><B>1</B><B>2</B><C/></A></R>')

    async def send(self, what: Outgoing) -> HttpResponse:
        self.sent.append(what)
        return self.away

    def begin(self, invocation: Invocation, done: Callable[[Any], None], _: None) -> None:
        event = json.loads(invocation.payload)
        self.events.append(event)
        answer = self.function(event)
        if isinstance(answer, Exception):
            payload = json.dumps({"errorMessage": str(answer), "errorType": "Exception"}).encode()
            done(InvocationResult("$LATEST", payload, "Unhandled", status="error"))
        elif answer is not None:
            done(InvocationResult("$LATEST", json.dumps(answer).encode()))


@pytest.fixture
def world() -> World:
    return World()
