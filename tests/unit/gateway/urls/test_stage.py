"""The way of a request to a function URL, with a data plane that does what the test says.

Source: behaviours section 19 (recorded refusals); that a timeout answers 504 is our own choice.
"""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from lambent.clock import FakeClock
from lambent.errors import ServiceError
from lambent.gateway.authentication import Authentication, KeyCache
from lambent.gateway.front import Front
from lambent.gateway.http.streams import CutOff, Response, StreamedResponse
from lambent.gateway.urls.cache import UrlCache
from lambent.gateway.urls.stage import FunctionUrls, Rules
from lambent.ids import FakeIds
from lambent.invocation.errors import ResourceConflict
from lambent.invocation.streaming import AnswerStream, Pace
from lambent.journal.lines import events_of
from lambent.model.cors import Cors
from lambent.model.function import FunctionKey
from lambent.model.function_url import FunctionUrl, UrlAccess
from lambent.model.http import HttpRequest, HttpResponse
from lambent.model.invocation import Invocation, InvocationRecord, InvocationResult
from lambent.model.messages import KeyQuery, UrlQuery
from lambent.model.principal import AccessKey

KEY = FunctionKey("000000000000", "us-east-1", "f")
HTTP_ANSWER = "application/vnd.awslambda.http-integration-response"
Done = Callable[[InvocationResult | Exception], None]


class Throttle(ServiceError):
    code, status = "TooManyRequestsException", 429


class Lab:
    """One URL, and what becomes of its requests."""

    def __init__(self) -> None:
        self.url = FunctionUrl("u", KEY, "live", "NONE")
        self.allowed = True
        self.asked: list[UrlQuery] = []
        self.invocations: list[Invocation] = []
        self.streams: list[AnswerStream | None] = []
        self.dones: list[Done] = []
        self.result: InvocationResult | Exception | None = InvocationResult("1", b'"hi"')
        self.cache = UrlCache(self.look_up)
        clock = FakeClock()
        self.records: list[InvocationRecord] = []
        rules = Rules(1000, 10_000, Pace(), self.records.append)
        stage = FunctionUrls(self.begin, self.cache, Authentication(KeyCache(_no_key), clock, 900), clock, rules)
        self.front = Front([stage], FakeIds(), FakeClock())
        self.answers: list[Response] = []

    async def look_up(self, query: UrlQuery) -> UrlAccess | None:
        self.asked.append(query)
        return UrlAccess(self.url, self.allowed) if query.url_id == "u" else None

    def begin(self, invocation: Invocation, done: Done, stream: AnswerStream | None, /) -> None:
        self.invocations.append(invocation)
        self.streams.append(stream)
        self.dones.append(done)
        if self.result is not None:
            done(self.result)

    async def ask(self, method: str = "GET", host: str = "u.lambda-url.us-east-1.localhost", **more: Any) -> Response:
        request = HttpRequest(method, "/p", "", [("host", host), *more.pop("headers", [])], more.pop("body", b""))
        self.front(request, "192.0.2.1", self.answers.append)
        await settle()
        return self.answers[-1]

    async def whole(self, method: str = "GET", **more: Any) -> HttpResponse:
        answer = await self.ask(method, **more)
        assert isinstance(answer, HttpResponse)
        return answer


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def _no_key(_: KeyQuery) -> AccessKey | None:
    return None


@pytest.fixture
async def lab() -> Lab:
    return Lab()


async def test_a_request_runs_the_function_behind_the_alias_and_its_answer_comes_back(lab: Lab) -> None:
    answer = await lab.whole("PUT", body=b"x")
    assert (answer.status, answer.body) == (200, b"hi")
    assert [name for name, _ in answer.headers[:2]] == ["x-amzn-requestid", "x-amzn-trace-id"]
    (invocation,) = lab.invocations
    assert (invocation.function, invocation.qualifier) == (KEY, "live")
    assert json.loads(invocation.payload)["requestContext"]["http"]["method"] == "PUT"
    await lab.whole()
    assert len(lab.asked) == 1, "the second request meets the cache"


async def test_a_change_is_met_by_the_next_request(lab: Lab) -> None:
    await lab.whole()
    lab.allowed = False
    lab.cache.forget([FunctionKey("000000000000", "us-east-1", "other")])
    assert (await lab.whole()).status == 200
    lab.cache.forget([KEY])
    assert (await lab.whole()).status == 403


async def test_an_answer_that_was_on_its_way_when_a_change_came_is_not_kept(lab: Lab) -> None:
    gate = asyncio.Event()

    async def slowly(query: UrlQuery) -> UrlAccess | None:
        await gate.wait()
        return UrlAccess(lab.url, True)

    cache = UrlCache(slowly)
    asking = asyncio.ensure_future(cache.get(UrlQuery("u")))
    await settle()
    cache.forget([KEY])
    gate.set()
    assert await asking
    assert cache.known(UrlQuery("u")) is None


@pytest.mark.parametrize("host", ["v.lambda-url.us-east-1.localhost", "u.lambda-url.eu-west-1.localhost"])
async def test_a_url_that_is_not_there_answers_404(lab: Lab, host: str) -> None:
    answer = await lab.whole(host=host)
    assert (answer.status, answer.body) == (404, b'{"Message":null}')
    assert not lab.invocations


async def test_who_may_not_use_a_url_is_told_as_aws_tells_it(lab: Lab) -> None:
    lab.allowed = False
    answer = await lab.whole()
    assert answer.status == 403
    assert json.loads(answer.body)["Message"].startswith("Forbidden. For troubleshooting Function URL authorization")
    headers = dict(answer.headers)
    assert headers["x-amzn-errortype"] == "AccessDeniedException"
    assert "lambda:InvokeFunctionUrl" in headers["x-lambent-reason"]


async def test_a_url_with_iam_wants_a_signature(lab: Lab) -> None:
    lab.url = FunctionUrl("u", KEY, "", "AWS_IAM")
    for headers in ([], [("authorization", "AWS4-HMAC-SHA256 nonsense")], [("authorization", "Bearer x")]):
        answer = await lab.whole(headers=headers)
        assert (answer.status, answer.body) == (403, b'{"Message":"Forbidden"}')
    assert not lab.invocations


async def test_a_preflight_needs_neither_the_function_nor_a_signature(lab: Lab) -> None:
    lab.url = FunctionUrl("u", KEY, "", "AWS_IAM", cors=Cors(allow_origins=("*",), allow_methods=("*",)))
    headers = [("origin", "https://a"), ("access-control-request-method", "PUT")]
    answer = await lab.whole("OPTIONS", headers=headers)
    assert (answer.status, dict(answer.headers)["access-control-allow-origin"]) == (200, "*")
    assert not lab.invocations
    refused = await lab.whole("PUT", headers=[("origin", "https://a")])
    assert dict(refused.headers)["access-control-allow-origin"] == "*", "so that a script can read the refusal"


async def test_an_event_over_the_limit_is_refused(lab: Lab) -> None:
    answer = await lab.whole("POST", body=bytes(1000))
    assert (answer.status, dict(answer.headers)["x-amzn-errortype"]) == (413, "RequestEntityTooLargeException")
    assert not lab.invocations


@pytest.mark.parametrize(
    ("result", "status", "body"),
    [
        (InvocationResult("1", b"{}", "Unhandled", status="error"), 502, b"Internal Server Error"),
        (InvocationResult("1", b"{}", "Unhandled", status="timeout"), 504, b"Internal Server Error"),
        (InvocationResult("1", b"no json"), 502, b"Internal Server Error"),
        (Throttle("Rate Exceeded."), 429, b'{"Message":"Rate Exceeded."}'),
    ],
)
@pytest.mark.parametrize("mode", ["BUFFERED", "RESPONSE_STREAM"])
async def test_failures_have_a_status_and_tell_strangers_nothing(
    lab: Lab, result: Any, status: int, body: bytes, mode: Any
) -> None:
    lab.url, lab.result = FunctionUrl("u", KEY, "", "NONE", mode), result
    answer = await lab.whole()
    assert (answer.status, answer.body) == (status, body)


async def test_a_function_that_streams_answers_whole_where_the_url_is_buffered(lab: Lab) -> None:
    lab.result = InvocationResult("1", b'{"statusCode":202}' + bytes(8) + b"ab", content_type=HTTP_ANSWER)
    answer = await lab.whole()
    assert (lab.streams, answer.status, answer.body) == ([None], 202, b"ab")


class Streaming(Lab):
    """With RESPONSE_STREAM, and a function that the test drives."""

    def __init__(self) -> None:
        super().__init__()
        self.url = FunctionUrl("u", KEY, "", "NONE", "RESPONSE_STREAM")
        self.result = None
        self.went_on = 0

    async def open(self, content_type: str = HTTP_ANSWER) -> AnswerStream:
        self.front(HttpRequest("GET", "/", "", [("host", "u.lambda-url.us-east-1.localhost")]), "", self.answers.append)
        await settle()
        stream = self.streams[-1]
        assert stream is not None
        stream.opened(content_type, self.go_on)
        return stream

    def go_on(self) -> None:
        self.went_on += 1


async def test_the_head_goes_out_when_it_is_whole_and_the_body_as_it_comes() -> None:
    lab = Streaming()
    stream = await lab.open()
    stream.write(b'{"statusCode":201,"headers":{"X-A":"b"')
    await settle()
    assert not lab.answers
    stream.write(b"}}" + bytes(8) + b"first")
    await settle()
    (answer,) = lab.answers
    assert isinstance(answer, StreamedResponse)
    assert (answer.status, dict(answer.headers)["x-a"]) == (201, "b")
    assert await anext(answer.body) == b"first"
    stream.write(b"second")
    assert await anext(answer.body) == b"second"
    lab.dones[0](InvocationResult("1", b"", content_type=HTTP_ANSWER))
    with pytest.raises(StopAsyncIteration):
        await anext(answer.body)


async def test_a_stream_without_a_head_is_bytes_with_200() -> None:
    lab = Streaming()
    await lab.open("application/octet-stream")
    await settle()
    (answer,) = lab.answers
    assert isinstance(answer, StreamedResponse)
    assert (answer.status, dict(answer.headers)["content-type"]) == (200, "application/octet-stream")


async def test_a_failure_after_the_head_cuts_the_answer_off() -> None:
    lab = Streaming()
    stream = await lab.open("application/octet-stream")
    stream.write(b"a")
    await settle()
    (answer,) = lab.answers
    assert isinstance(answer, StreamedResponse)
    lab.dones[0](InvocationResult("1", b"{}", "Unhandled", status="error"))
    assert await anext(answer.body) == b"a"
    with pytest.raises(CutOff):
        await anext(answer.body)


@pytest.mark.parametrize(("status", "code"), [("error", 502), ("timeout", 504)])
async def test_a_failure_before_the_head_is_whole_is_an_error(status: Any, code: int) -> None:
    lab = Streaming()
    stream = await lab.open()
    stream.write(b'{"statusCode"')
    lab.dones[0](InvocationResult("1", b"{}", "Unhandled", status=status))
    await settle()
    assert [answer.status for answer in lab.answers] == [code]


@pytest.mark.parametrize("head", [b"[]" + bytes(8), b'{"statusCode":1}' + bytes(8)])
async def test_a_bad_head_is_502_and_the_function_runs_on_for_nobody(head: bytes) -> None:
    lab = Streaming()
    stream = await lab.open()
    stream.write(head + b"x")
    await settle()
    assert [answer.status for answer in lab.answers] == [502]
    stream.write(bytes(10**6))
    assert not stream.full
    lab.dones[0](InvocationResult("1", b"", content_type=HTTP_ANSWER))


async def test_a_head_that_never_ends_is_502() -> None:
    lab = Streaming()
    stream = await lab.open()
    stream.write(b"{}")
    lab.dones[0](InvocationResult("1", b"", content_type=HTTP_ANSWER))
    await settle()
    assert [answer.status for answer in lab.answers] == [502]


async def test_a_client_that_has_gone_lets_the_function_go_on() -> None:
    lab = Streaming()
    stream = await lab.open("application/octet-stream")
    await settle()
    (answer,) = lab.answers
    assert isinstance(answer, StreamedResponse)
    stream.write(bytes(10**6))
    assert stream.full
    await answer.body.aclose()  # type: ignore[attr-defined]
    assert (stream.full, lab.went_on) == (False, 1)


async def test_every_answer_of_a_known_url_is_written_down_once(lab: Lab) -> None:
    """Source: Lambda Developer Guide, "Monitoring function URLs": UrlRequestCount, Url4xxCount, Url5xxCount."""
    await lab.whole()
    lab.result = InvocationResult("1", b'{"statusCode":418}')
    await lab.whole()
    lab.result = InvocationResult("1", b"{}", "Unhandled")
    await lab.whole()
    lab.result = ResourceConflict("no")
    await lab.whole()
    lab.allowed = False
    lab.cache.forget([KEY])
    await lab.whole()
    await lab.whole(host="never.lambda-url.us-east-1.localhost")
    assert [record.url_status for record in lab.records] == [200, 418, 502, 409, 403]
    assert {(record.key, record.qualifier) for record in lab.records} == {(KEY, "live")}
    assert not any(events_of(record) for record in lab.records)
