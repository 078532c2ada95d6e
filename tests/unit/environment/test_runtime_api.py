"""The Runtime and Extensions APIs as pure parts: every request in every state, wrong bodies, and who is waited for.

Source: Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes", "Using the Lambda Extensions API";
aws-lambda-runtime-interface-emulator for statuses and error types.
"""

import base64
import contextlib
import json
from collections.abc import AsyncIterator
from itertools import count
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.clock import SystemClock
from lambent.environment import frames
from lambent.environment.frames import Frame
from lambent.environment.runtime_api.answers import ApiError
from lambent.environment.runtime_api.extensions import Extensions
from lambent.environment.runtime_api.router import Router, streams
from lambent.environment.runtime_api.runtime import HttpRuntime
from lambent.environment.runtime_api.subscriptions import View, parse
from lambent.environment.runtime_api.telemetry import Telemetry
from lambent.gateway.http.streams import Body
from lambent.ids import SystemIds
from lambent.model.environment import ApiFacts
from lambent.model.function import FunctionKey
from lambent.model.http import HttpRequest, HttpResponse

FACTS = ApiFacts(
    FunctionKey("000000000000", "us-east-1", "f"),
    "$LATEST",
    "h",
    "provided.al2023",
    "on-demand",
    128,
    http_runtime=True,
)
WORK = HttpResponse(200, [], b"{}")


class NumberedIds(SystemIds):
    """Ids that can be told beforehand."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def uuid(self) -> str:
        return f"00000000-0000-4000-8000-{next(self._numbers):012x}"


class Desk:
    """The APIs of one environment, and what they said."""

    def __init__(self, *external: str) -> None:
        facts = msgspec.structs.replace(FACTS, extensions=external)
        self.frames: list[Frame] = []
        self.failures: list[tuple[str, str]] = []
        self.answers: list[HttpResponse] = []
        self.runtime = HttpRuntime(self.frames.append, lambda: 7)
        self.extensions = Extensions(facts, NumberedIds(), lambda: None, lambda *told: self.failures.append(told))
        self.telemetry = Telemetry(self.extensions, [], json_lines=False, clock=SystemClock())
        self.router = Router(self.runtime, self.extensions, self.telemetry)

    def ask(
        self, method: str, path: str, body: bytes = b"", *, there: bool = True, **headers: Any
    ) -> HttpResponse | None:
        """The answer, or None when the request waits. `there`: whether the client hears it."""
        named = [(name.replace("_", "-").lower(), value) for name, value in headers.items()]
        before = len(self.answers)

        def respond(answer: HttpResponse) -> bool:
            self.answers.append(answer)
            return there

        self.router(HttpRequest(method, path, "", named, body), "127.0.0.1", respond)
        return self.answers[-1] if len(self.answers) > before else None

    def next(self, **more: Any) -> HttpResponse | None:
        return self.ask("GET", "/2018-06-01/runtime/invocation/next", **more)

    def answer(self, request_id: str, what: str = "response", body: bytes = b"{}") -> tuple[int, str]:
        told = self.ask("POST", f"/2018-06-01/runtime/invocation/{request_id}/{what}", body)
        assert told is not None
        return told.status, json.loads(told.body).get("errorType", "")

    def register(self, name: str, *events: str) -> HttpResponse | None:
        path = "/2020-01-01/extension/register"
        return self.ask("POST", path, json.dumps({"events": events}).encode(), Lambda_Extension_Name=name)


def test_the_way_of_an_invocation() -> None:
    desk = Desk()
    assert desk.next() is None
    assert [frame.kind for frame in desk.frames] == [frames.READY]
    desk.runtime.deliver("r-1", WORK, 100)
    assert desk.answers == [WORK]
    assert desk.answer("r-1") == (202, "")
    assert desk.frames[-1] == Frame(frames.RESPONSE, ["r-1"], b"{}")
    assert desk.next() is None
    assert desk.frames[-1].kind == frames.READY


def test_answers_to_nobody_and_second_answers_are_refused() -> None:
    desk = Desk()
    assert desk.answer("r-1") == (400, "InvalidRequestID")
    assert desk.answer("") == (400, "InvalidRequestID")
    desk.next()
    desk.runtime.deliver("r-1", WORK, 100)
    assert desk.answer("r-2") == (400, "InvalidRequestID")
    refused = desk.next()
    assert refused is not None
    assert refused.status == 403  # it has work
    desk.answer("r-1")
    assert desk.answer("r-1") == (403, "InvalidStateTransition")
    assert desk.answer("r-1", "error") == (403, "InvalidStateTransition")
    assert [frame.kind for frame in desk.frames] == [frames.READY, frames.RESPONSE]


def test_a_runtime_that_hung_up_while_it_waited_gets_the_invocation_when_it_asks_again() -> None:
    desk = Desk()
    desk.next(there=False)
    desk.runtime.deliver("r-1", WORK, 100)
    again = desk.next()
    assert again is WORK
    assert desk.answer("r-1") == (202, "")


def test_of_two_that_wait_the_newer_is_served() -> None:
    desk = Desk()
    desk.next()
    assert desk.next() is not None  # the earlier one is sent away
    assert desk.answers[-1].status == 403
    desk.runtime.deliver("r-1", WORK, 100)
    assert desk.answers[-1] is WORK
    assert len(desk.frames) == 1


def test_too_large_an_answer_is_refused_and_counts_as_one() -> None:
    desk = Desk()
    desk.next()
    desk.runtime.deliver("r-1", WORK, 3)
    assert desk.answer("r-1", body=b"1234") == (413, "RequestEntityTooLarge")
    assert desk.frames[-1] == Frame(frames.RESPONSE, ["r-1"], b"", 4)
    assert desk.next() is None


@pytest.mark.parametrize(
    ("told", "reported"),
    [
        *(("Function.Sad", "Function.Sad"), ("Function.a b", "Function.Unknown")),
        *(("", "Function.Unknown"), ("x.Y", "Function.Unknown")),
    ],
)
def test_error_types_are_category_and_reason(told: str, reported: str) -> None:
    desk = Desk()
    desk.next()
    desk.runtime.deliver("r-1", WORK, 100)
    path = "/2018-06-01/runtime/invocation/r-1/error"
    desk.ask("POST", path, b'{"errorType": "E"}', Lambda_Runtime_Function_Error_Type=told)
    assert desk.frames[-1] == Frame(frames.ERROR, ["r-1", reported], b'{"errorType": "E"}')


def test_init_errors_are_for_the_init_phase() -> None:
    desk = Desk()
    path = "/2018-06-01/runtime/init/error"
    first, second = desk.ask("POST", path, b"not json"), desk.ask("POST", path)
    assert (first.status, second.status) == (202, 403)  # type: ignore[union-attr]
    assert desk.frames[0].fields == ["Runtime.Unknown", "7"]
    assert json.loads(desk.frames[0].payload) == {"errorType": "Runtime.Unknown", "errorMessage": "not json"}


POSTED = HttpRequest("POST", "/", "", [])


async def pieces(*each: bytes) -> AsyncIterator[bytes]:
    for piece in each:
        yield piece


class Posting:
    """An answer on its way in, in pieces, through the router."""

    def __init__(self, desk: Desk, request: HttpRequest, *come: bytes) -> None:
        self.body, self.wanted = Body(self._want, lambda: None), False
        for piece in come:
            self.body.feed(piece)
        posted = HttpRequest(
            "POST", "/2018-06-01/runtime/invocation/r-1/response", "", request.headers, trailers=request.trailers
        )
        desk.router(posted, "127.0.0.1", desk.answers.append, self.body)

    def _want(self) -> None:
        self.wanted = True


def test_a_long_answer_is_kept_up_to_the_limit_and_counted_beyond() -> None:
    desk = Desk()
    desk.next()
    desk.runtime.deliver("r-1", WORK, 5)
    posting = Posting(desk, POSTED, b"123")
    assert desk.answer("r-1") == (403, "InvalidStateTransition")  # one is on its way
    assert posting.wanted
    posting.body.feed(b"456")
    posting.body.feed(b"789")
    assert desk.frames[-1].kind == frames.READY
    posting.body.end()
    assert (desk.answers[-1].status, desk.frames[-1]) == (413, Frame(frames.RESPONSE, ["r-1"], b"", 9))


@given(
    pieces=st.lists(st.binary(min_size=1, max_size=9), max_size=6), before=st.integers(0, 6), room=st.integers(1, 40)
)
@settings(max_examples=50)
def test_an_answer_is_the_same_however_it_is_cut(pieces: list[bytes], before: int, room: int) -> None:
    desk = Desk()
    desk.next()
    desk.runtime.deliver("r-1", WORK, room)
    posting = Posting(desk, POSTED, *pieces[:before])
    for piece in pieces[before:]:
        posting.body.feed(piece)
    posting.body.end()
    whole = b"".join(pieces)
    fits = len(whole) <= room
    expected = Frame(frames.RESPONSE, ["r-1"], whole if fits else b"", 0 if fits else len(whole))
    assert (desk.answers[-1].status, desk.frames[-1]) == (202 if fits else 413, expected)


def test_an_answer_that_comes_after_the_end_of_its_invocation_is_refused() -> None:
    desk = Desk()
    desk.next()
    desk.runtime.deliver("r-1", WORK, 100)
    posting = Posting(desk, POSTED, b"half")
    desk.runtime.deliver("r-2", WORK, 100)
    posting.body.end()
    assert (desk.answers[-1].status, desk.frames[-1].kind) == (403, frames.READY)


FAILED = [
    ("lambda-runtime-function-error-type", "Function.Late"),
    ("lambda-runtime-function-error-body", base64.b64encode(b'{"errorType": "Late"}').decode()),
]
LATE = Frame(frames.ERROR, ["r-1", "Function.Late"], b'{"errorType": "Late"}')


async def test_trailers_that_tell_of_an_error_count_however_the_answer_comes() -> None:
    """aws-lambda-go says in trailers that its reader has failed, and nothing of streaming."""
    request = HttpRequest("POST", "/", "", [], trailers=FAILED)
    for way in ("whole", "kept", "streamed"):
        desk = Desk()
        desk.next()
        desk.runtime.deliver("r-1", WORK, 100, in_pieces=way == "streamed")
        assert desk.runtime.gives_pieces(request) is (way == "streamed")
        if way == "whole":
            desk.runtime.response(request, "r-1", b"half")
        elif way == "kept":
            Posting(desk, request, b"half").body.end()
        else:
            await desk.runtime.streamed_response(request, "r-1", pieces(b"half"))
        assert desk.frames[-1] == LATE, way


def test_an_http_answer_that_came_whole_keeps_its_content_type() -> None:
    desk = Desk()
    desk.next()
    desk.runtime.deliver("r-1", WORK, 100, in_pieces=True)
    integration = "application/vnd.awslambda.http-integration-response"
    path = "/2018-06-01/runtime/invocation/r-1/response"
    desk.ask("POST", path, b"{}\0\0\0\0\0\0\0\0page", Content_Type=integration)
    opened, piece, end = desk.frames[1:]
    assert (opened.kind, opened.fields) == (frames.STREAM, ["r-1", integration])
    assert (piece.kind, piece.payload) == (frames.CHUNK, b"{}\0\0\0\0\0\0\0\0page")
    assert (end.kind, end.payload) == (frames.RESPONSE, b"")


def test_one_that_breaks_off_may_begin_again() -> None:
    desk = Desk()
    desk.next()
    desk.runtime.deliver("r-1", WORK, 5)
    posting = Posting(desk, POSTED, b"1")
    posting.body.break_off("gone")
    posting.body.feed(b"2")
    posting.body.end()
    assert len(desk.answers) == 2
    told = json.loads(desk.answers[-1].body)
    assert (desk.answers[-1].status, told) == (400, {"errorMessage": "gone", "errorType": "InvalidRequestFormat"})
    assert desk.answer("r-1") == (202, "")


def test_an_internal_extension_may_hear_of_nothing() -> None:
    """As `lambda.WithEnableSIGTERM` of aws-lambda-go registers."""
    desk = Desk()
    path = "/2020-01-01/extension/register"
    registered = desk.ask("POST", path, b'{"events":null}', Lambda_Extension_Name="GoLangEnableSIGTERM")
    assert registered is not None
    assert (registered.status, desk.extensions.patience_s) == (200, 0.5)


def test_extensions_register_ask_and_are_told() -> None:
    desk = Desk("outside")
    assert not desk.extensions.all_registered
    registered = desk.register("outside", "INVOKE", "SHUTDOWN")
    assert registered is not None
    assert json.loads(registered.body) == {"functionName": "f", "functionVersion": "$LATEST", "handler": "h"}
    identifier = dict(registered.headers)["Lambda-Extension-Identifier"]
    assert desk.extensions.all_registered
    assert not desk.extensions.all_idle
    path = "/2020-01-01/extension/event/next"
    assert desk.ask("GET", path, Lambda_Extension_Identifier=identifier) is None
    assert desk.extensions.all_idle
    desk.extensions.invoke({"eventType": "INVOKE"})
    assert json.loads(desk.answers[-1].body) == {"eventType": "INVOKE"}
    assert not desk.extensions.all_idle
    desk.extensions.shut_down("SPINDOWN", 5)
    heard = desk.ask("GET", path, Lambda_Extension_Identifier=identifier)
    assert heard is not None
    assert json.loads(heard.body)["shutdownReason"] == "SPINDOWN"
    assert desk.extensions.patience_s == 2.0


@pytest.mark.parametrize(
    ("name", "events", "kind"),
    [
        ("", ["INVOKE"], "InvalidExtensionName"),
        ("inside", ["SHUTDOWN"], "InvalidEventType"),
        ("outside", ["WEATHER"], "InvalidEventType"),
        ("twice", ["INVOKE"], "InvalidExtensionState"),
    ],
)
def test_wrong_registrations_are_refused(name: str, events: list[str], kind: str) -> None:
    desk = Desk("outside")
    desk.register("twice")
    refused = desk.register(name, *events)
    assert refused is not None
    assert (refused.status, json.loads(refused.body)["errorType"]) == (403, f"Extension.{kind}")


@pytest.mark.parametrize(
    ("identifier", "kind"),
    [
        (None, "MissingExtensionIdentifier"),
        ("x", "InvalidExtensionIdentifier"),
        ("00000000-0000-4000-8000-00000000ffff", "UnknownExtensionIdentifier"),
    ],
)
def test_who_is_unknown_hears_nothing(identifier: str | None, kind: str) -> None:
    headers: dict[str, Any] = {} if identifier is None else {"Lambda_Extension_Identifier": identifier}
    refused = Desk().ask("GET", "/2020-01-01/extension/event/next", **headers)
    assert refused is not None
    assert (refused.status, json.loads(refused.body)["errorType"]) == (403, f"Extension.{kind}")


def test_only_ten_register_and_none_after_the_init_phase() -> None:
    desk = Desk()
    for number in range(10):
        assert desk.register(f"e{number}").status == 200  # type: ignore[union-attr]
    assert json.loads(desk.register("more").body)["errorType"] == "Extension.TooManyExtensions"  # type: ignore[union-attr]
    desk.extensions.open = False
    assert json.loads(desk.register("late").body)["errorType"] == "Extension.RegistrationClosed"  # type: ignore[union-attr]


def test_long_and_unmeasured_bodies_come_in_pieces() -> None:
    def request(*headers: tuple[str, str]) -> HttpRequest:
        return HttpRequest("POST", "/", "", list(headers))

    assert not streams(request(("content-length", "10")))
    assert streams(request(("content-length", "70000")))
    assert streams(request(("transfer-encoding", "chunked")))
    assert not streams(request())


@settings(max_examples=50)
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
    path=st.one_of(
        st.text(max_size=40),
        st.sampled_from(
            [
                *("/2018-06-01/runtime/invocation/next", "/2018-06-01/runtime/invocation/x/response"),
                *("/2018-06-01/runtime/init/error", "/2018-06-01/runtime/restore/next", "/2020-08-15/logs"),
                *("/2020-01-01/extension/register", "/2020-01-01/extension/event/next", "/2022-07-01/telemetry"),
            ]
        ),
    ),
    body=st.binary(max_size=50),
    name=st.text(max_size=10),
)
def test_whatever_is_asked_is_answered_or_waits(method: str, path: str, body: bytes, name: str) -> None:
    desk = Desk()
    answer = desk.ask(method, path, body, Lambda_Extension_Name=name, Lambda_Extension_Identifier=name)
    assert answer is None or 200 <= answer.status < 500


NAMES = st.sampled_from(["types", "destination", "protocol", "URI", "port", "buffering", "timeoutMs"])
VALUES = st.recursive(
    st.none() | st.text(max_size=5) | st.integers() | st.sampled_from(["TCP", "HTTP", "platform"]),
    lambda each: st.lists(each, max_size=2) | st.dictionaries(NAMES, each, max_size=3),
    max_leaves=6,
)


@settings(max_examples=50)
@given(st.binary(max_size=60) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_a_subscription_is_understood_or_refused(body: bytes) -> None:
    with contextlib.suppress(ApiError):
        assert parse(body, logs=False).types


def test_lines_in_json_are_objects_to_newer_subscribers() -> None:
    body = {"types": ["function"], "destination": {"protocol": "TCP", "port": 8080}, "schemaVersion": "2022-12-13"}
    wanted = parse(json.dumps(body).encode(), logs=False)
    view = View(wanted, logs=False, json_lines=True)
    assert json.loads(view.of("t", "function", '{"a": 1}')[0])["record"] == {"a": 1}
    assert json.loads(view.of("t", "function", "{broken")[0])["record"] == "{broken"
    assert view.of("t", "platform.start", {}) == []


def test_what_is_kept_for_late_subscribers_is_bounded() -> None:
    telemetry = Desk().telemetry
    for _ in range(100):
        telemetry.tell("function", "x" * 250_000)
    telemetry.tell("platform.start", {})
    assert [len(record) for _, _, record in telemetry._early] == [250_000] * 16 + [0]


def test_nobody_hears_of_invocations_when_nobody_has_subscribed() -> None:
    telemetry = Desk().telemetry
    assert telemetry.heard  # somebody may still come
    telemetry.close_init()
    assert not telemetry.heard
