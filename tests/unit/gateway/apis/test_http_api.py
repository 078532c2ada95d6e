"""The way of a request to an HTTP API, with a data plane that does what the test says.

Sources: API Gateway Developer Guide, "Configure CORS for HTTP APIs", "Throttle requests to your HTTP APIs", "Customize
HTTP API access logs"; behaviours section 22 (events and bodies of failures).
"""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from lambent.clock import FakeClock
from lambent.errors import ServiceError, Unavailable
from lambent.gateway.apis.access_log import PAUSE_S, AccessLogs
from lambent.gateway.apis.api import Rules, Tools
from lambent.gateway.apis.authorizers.answers import Verdicts
from lambent.gateway.apis.authorizers.keys import IssuerKeys
from lambent.gateway.apis.cache import ApiCache
from lambent.gateway.apis.domains import Domains
from lambent.gateway.apis.http_api import ServedHttpApi
from lambent.gateway.apis.metrics import ApiMetrics
from lambent.gateway.apis.stage import Apis
from lambent.gateway.apis.throttles import Throttles
from lambent.gateway.authentication import Authentication, KeyCache
from lambent.gateway.front import Front
from lambent.gateway.http.streams import Body, Response
from lambent.gateway.permits import Permits
from lambent.ids import FakeIds
from lambent.invocation.streaming import AnswerStream
from lambent.model.apis import (
    AccessLog,
    CompiledApi,
    DomainMapping,
    FunctionTarget,
    HttpApi,
    HttpRoute,
    HttpStage,
    Throttle,
)
from lambent.model.cors import Cors
from lambent.model.function import FunctionKey
from lambent.model.http import HttpRequest, HttpResponse, Outgoing
from lambent.model.invocation import Invocation, InvocationResult
from lambent.model.messages import AccessLines, ApiRateQuery, InvokeQuery, KeyQuery, RateGrant
from lambent.model.meter import Collected
from lambent.model.principal import AccessKey
from lambent.placement.throttle import Reason

KEY = FunctionKey("111111111111", "us-east-1", "f")
TARGET = FunctionTarget(KEY, "", "2.0", 30_000)
CORS = Cors(allow_origins=("https://a.example",), allow_methods=("GET",), allow_headers=("x",), max_age_s=5)
Done = Callable[[InvocationResult | Exception], None]


class Lab:
    """One API, and what becomes of its requests."""

    def __init__(self, **stage: Any) -> None:
        routes = stage.pop("routes", (HttpRoute("GET /pets/{id}", TARGET),))
        self.api = HttpApi("abc", KEY.account, KEY.region, {"prod": HttpStage("prod", routes=routes, **stage)})
        self.clock, self.allowed, self.away = FakeClock(), True, False
        self.permits: list[InvokeQuery] = []
        self.invocations: list[Invocation] = []
        self.lines: list[str] = []
        self.result: InvocationResult | Exception | None = InvocationResult("1", b'{"statusCode": 200, "body": "hi"}')
        self.dones: list[Done] = []
        self.grants: list[ApiRateQuery] = []
        logs, self.metrics = AccessLogs(self.write, self.clock), ApiMetrics(self.measured, self.clock)
        self.collected: list[Collected] = []
        tools = Tools(
            self.begin,
            Permits(self.may_invoke),
            self.clock,
            Rules(500, 100, 2_000, 1_000),
            Throttles(self.grant, None, self.clock),
            logs,
            self.metrics,
            Authentication(KeyCache(_no_key), self.clock, 900),
            IssuerKeys(_nowhere, self.clock),
            Verdicts(self.clock),
            _nowhere,
        )
        self.cache = ApiCache(self.look_up, {HttpApi: lambda api: ServedHttpApi(api, tools)})
        self.front = Front([Apis(self.cache, Domains(self.domains), 100)], FakeIds(), FakeClock())

    async def look_up(self, api_id: str) -> CompiledApi | None:
        return self.api if api_id == "abc" else None

    async def domains(self) -> dict[str, list[DomainMapping]]:
        return {"api.example.com": [DomainMapping("v1", "abc", "prod")]}

    async def may_invoke(self, query: InvokeQuery) -> bool:
        self.permits.append(query)
        return self.allowed

    async def grant(self, query: ApiRateQuery) -> RateGrant:
        self.grants.append(query)
        return RateGrant(1) if len(self.grants) == 1 else RateGrant(0, 1.0, Reason.ACCOUNT_RATE.value)

    async def measured(self, collected: list[Collected]) -> None:
        if self.away:
            raise Unavailable("no control")
        self.collected += collected

    async def write(self, lines: AccessLines) -> None:
        if self.away:
            raise Unavailable("no control")
        self.lines += [line.text for line in lines.lines]

    def begin(self, invocation: Invocation, done: Done, _stream: AnswerStream | None, /) -> None:
        self.invocations.append(invocation)
        self.dones.append(done)
        if self.result is not None:
            done(self.result)

    async def ask(self, path: str = "/prod/pets/7", method: str = "GET", **more: Any) -> HttpResponse:
        answers: list[Response] = []
        host = more.pop("host", "abc.execute-api.us-east-1.localhost")
        headers = [("host", host), *more.pop("headers", [])]
        request = HttpRequest(method, path, "", headers, more.pop("body", b""))
        self.front(request, "192.0.2.1", answers.append, more.pop("stream", None))
        for _ in range(10):
            await asyncio.sleep(0)
        (answer,) = answers
        assert isinstance(answer, HttpResponse)
        return answer


def streamed(*pieces: bytes) -> Body:
    body = Body(lambda: None, lambda: None)
    for piece in pieces:
        body.feed(piece)
    body.end()
    return body


async def _no_key(_: KeyQuery) -> AccessKey | None:
    return None


async def _nowhere(_: Outgoing) -> HttpResponse:
    raise OSError("nobody there")


def message(answer: HttpResponse) -> tuple[int, str]:
    return answer.status, json.loads(answer.body)["message"]


@pytest.mark.parametrize("place", [{}, {"host": "api.example.com", "path": "/v1/pets/7"}])
async def test_a_body_that_comes_as_a_stream_is_whole_for_the_function(place: dict[str, str]) -> None:
    lab = Lab()
    kind = [("content-type", "application/json")]
    assert (await lab.ask(**place, stream=streamed(b"[1,", b"2]"), headers=kind)).body == b"hi"
    assert json.loads(lab.invocations[0].payload)["body"] == "[1,2]"
    assert (await lab.ask(**place, stream=streamed(b"x" * 60, b"x" * 60))).status == 413


async def test_the_policy_is_asked_once_for_each_route_by_its_arn() -> None:
    lab = Lab()
    for _ in range(2):
        assert (await lab.ask()).body == b"hi"
    arn = "arn:aws:execute-api:us-east-1:111111111111:abc/prod/GET/pets/{id}"
    assert lab.permits == [InvokeQuery(KEY, "", arn)]
    event = json.loads(lab.invocations[0].payload)
    assert (event["rawPath"], event["routeKey"], event["pathParameters"]) == (
        "/prod/pets/7",
        "GET /pets/{id}",
        {"id": "7"},
    )


@pytest.mark.parametrize(
    ("result", "told"),
    [
        (InvocationResult("1", b"{}", "Unhandled", status="error"), (500, "Internal Server Error")),
        (InvocationResult("1", b"{}", "Unhandled", status="timeout"), (503, "Service Unavailable")),
        (InvocationResult("1", b'{"statusCode": "x"}'), (500, "Internal Server Error")),
        (ServiceError("throttled"), (500, "Internal Server Error")),
        (Unavailable("away"), (503, "Service Unavailable")),
        (RuntimeError("a bug"), (500, "Internal Server Error")),
    ],
)
async def test_what_goes_wrong_has_the_services_words(result: Any, told: tuple[int, str]) -> None:
    lab = Lab()
    lab.result = result
    assert message(await lab.ask()) == told


async def test_requests_for_nothing_are_told_so() -> None:
    lab = Lab()
    assert message(await lab.ask("/prod/cats")) == (404, "Not Found")
    assert message(await lab.ask("/none/pets/7")) == (404, "Not Found")
    assert message(await lab.ask(host="xyz.execute-api.us-east-1.localhost")) == (403, "Forbidden")
    assert message(await lab.ask(host="abc.execute-api.eu-west-1.localhost")) == (403, "Forbidden")
    assert message(await lab.ask(body=b"x" * 101)) == (413, "Request Entity Too Large")
    assert message(await lab.ask(headers=[("a", "x" * 500)])) == (431, "Request Header Fields Too Large")
    lab.allowed = False
    assert message(await lab.ask()) == (500, "Internal Server Error")


async def test_a_custom_domain_name_leads_there_though_the_apis_own_address_is_closed() -> None:
    lab = Lab()
    lab.api = HttpApi("abc", KEY.account, KEY.region, lab.api.stages, closed=True)
    assert message(await lab.ask()) == (404, "Not Found")
    assert (await lab.ask("/v1/pets/7", host="api.example.com:80")).body == b"hi"
    assert json.loads(lab.invocations[0].payload)["rawPath"] == "/v1/pets/7"
    assert message(await lab.ask("/pets/7", host="api.example.com")) == (403, "Forbidden")


@pytest.mark.parametrize("path", ["/_aws/execute-api/abc/prod/pets/7", "/restapis/abc/prod/_user_request_/pets/7"])
async def test_below_a_custom_domain_name_a_path_leads_to_no_other_api(path: str) -> None:
    lab = Lab()
    assert (await lab.ask(path, host="127.0.0.1")).body == b"hi"
    assert message(await lab.ask(path, host="api.example.com")) == (403, "Forbidden")


async def test_an_answer_that_comes_too_late_goes_nowhere() -> None:
    lab = Lab(routes=(HttpRoute("$default", FunctionTarget(KEY, "", "2.0", 50)),))
    lab.result = None
    answers: list[Response] = []
    host = [("host", "abc.execute-api.us-east-1.localhost")]
    lab.front(HttpRequest("GET", "/prod/x", "", host), "192.0.2.1", answers.append)
    while not answers:
        await asyncio.sleep(0.005)
    lab.dones[0](InvocationResult("1", b'"late"'))
    (answer,) = answers
    assert isinstance(answer, HttpResponse)
    assert message(answer) == (503, "Service Unavailable")


async def test_browsers_of_other_origins_are_told_by_the_api_and_not_by_the_function() -> None:
    lab = Lab(cors=CORS)
    lab.result = InvocationResult("1", b'{"statusCode": 200, "headers": {"Access-Control-Allow-Origin": "*"}}')
    asked = [("origin", "https://a.example"), ("access-control-request-method", "GET")]
    early = await lab.ask("/prod/nowhere", "OPTIONS", headers=asked)
    assert (early.status, dict(early.headers)["access-control-allow-methods"]) == (204, "GET")
    assert lab.invocations == []
    answer = dict((await lab.ask(headers=asked[:1])).headers)
    assert answer["access-control-allow-origin"] == "https://a.example"
    assert "access-control-allow-origin" not in dict((await lab.ask(headers=[("origin", "https://b.example")])).headers)
    assert dict((await lab.ask("/prod/cats", headers=asked[:1])).headers)["access-control-allow-origin"]


@pytest.mark.parametrize(
    ("kind", "plain"),
    [
        ("text/csv", True),
        ("application/json; charset=utf-8", True),
        ("Application/XML", True),
        ("application/javascript", True),
        ("application/x-www-form-urlencoded", False),
        ("application/problem+json", False),
        ("image/png", False),
        ("", False),
    ],
)
async def test_only_bodies_of_some_types_are_handed_on_as_they_are(kind: str, plain: bool) -> None:
    """Recorded behaviour of HTTP APIs, in both payload formats."""
    for payload_format in ("1.0", "2.0"):
        target = msgspec.structs.replace(TARGET, payload_format=payload_format)
        lab = Lab(routes=(HttpRoute("$default", target),))
        await lab.ask(method="POST", headers=[("content-type", kind)], body=b"a=b")
        event = json.loads(lab.invocations[0].payload)
        assert (event["body"], event["isBase64Encoded"]) == (("a=b", False) if plain else ("YT1i", True))


async def test_every_origin_of_a_scheme_may_be_let_in() -> None:
    lab = Lab(cors=Cors(allow_origins=("https://*",), allow_credentials=True))
    for origin, allowed in (("https://a.example", "https://a.example"), ("http://a.example", None), ("null", None)):
        for method in ("GET", "OPTIONS"):
            asked = [("origin", origin), ("access-control-request-method", "GET")]
            answer = dict((await lab.ask(method=method, headers=asked)).headers)
            assert answer.get("access-control-allow-origin") == allowed


async def test_more_than_is_lent_is_turned_away_and_lines_wait_for_control() -> None:
    log = AccessLog("arn:aws:logs:us-east-1:111111111111:log-group:g", "$context.status $context.error.message")
    lab = Lab(routes=(HttpRoute("GET /pets/{id}", TARGET, throttle=Throttle(1.0, 1)),), access_log=log)
    lab.away = True
    assert [(await lab.ask()).status for _ in range(3)] == [200, 429, 429]
    await lab.clock.advance(PAUSE_S)
    assert lab.lines == []
    lab.away = False
    await lab.clock.advance(PAUSE_S)
    assert lab.lines == ["200 -", "429 Too Many Requests", "429 Too Many Requests"]
    assert lab.grants[0].throttle == Throttle(1.0, 1)


async def test_requests_are_counted_for_their_api_and_stage_and_a_route_that_wants_it() -> None:
    lab = Lab(routes=(HttpRoute("GET /pets/{id}", TARGET, detailed_metrics=True),))
    for path in ("/prod/pets/1", "/prod/pets/2", "/prod/cats"):
        await lab.ask(path, body=b"12")
    lab.result = ServiceError("no")
    await lab.ask()
    lab.away = True
    await lab.metrics.send()
    assert not lab.collected  # control is away, and what was seen waits for it
    lab.away = False
    await lab.metrics.send()
    await lab.metrics.send()
    of_stage = {each.name: each for each in lab.collected if len(each.dimensions) == 2}
    of_route = {each.name: each for each in lab.collected if len(each.dimensions) == 1}
    assert len(lab.collected) == len(of_stage) + len(of_route)
    assert of_stage["Count"].values == {1: 4}
    assert of_stage["4xx"].values == {0: 3, 1: 1}
    assert of_stage["5xx"].values == {0: 3, 1: 1}
    assert of_stage["Latency"].values == {0: 4}
    assert of_stage["IntegrationLatency"].values == {0: 3}  # what is not found asks nobody
    assert sum(of_stage["DataProcessed"].values.values()) == 4
    assert of_route["Count"].values == {1: 3}
    stage = of_stage["Latency"]
    assert (stage.place, stage.namespace, stage.unit) == ((KEY.account, KEY.region), "AWS/ApiGateway", "Milliseconds")
    assert stage.dimensions == ((("ApiId", "abc"),), (("ApiId", "abc"), ("Stage", "prod")))
    named = (("ApiId", "abc"), ("Method", "GET"), ("Resource", "/pets/{id}"), ("Stage", "prod"))
    assert of_route["Count"].dimensions == (named,)


async def test_what_was_seen_in_another_minute_is_told_of_that_minute() -> None:
    lab = Lab()
    await lab.ask()
    await lab.clock.advance(60.0)
    await lab.ask()
    await lab.metrics.send()
    starts = [each.start_s for each in lab.collected if each.name == "Count"]
    assert starts[1] - starts[0] == 60
    assert all(start % 60 == 0 for start in starts)
