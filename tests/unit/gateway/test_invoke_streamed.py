"""InvokeWithResponseStream: what goes out as events, read back by botocore.

Source: Lambda service model, InvokeWithResponseStream; behaviours section 17.
"""

import asyncio
from typing import Any, cast

import pytest
from botocore.eventstream import EventStreamBuffer

from lambent.clock import FakeClock
from lambent.config import Quotas
from lambent.errors import ServiceError
from lambent.gateway.exchange import Exchange
from lambent.gateway.front import Front
from lambent.gateway.http.streams import Response, StreamedResponse, Upgrade
from lambent.gateway.invoke_streamed import InvokingStreamed
from lambent.ids import FakeIds
from lambent.invocation.streaming import AnswerStream, Pace
from lambent.model.http import HttpRequest, HttpResponse
from lambent.model.invocation import Invocation, InvocationResult
from lambent.model.principal import Principal
from lambent.protocol.wires import wire_for

PATH = "/2021-11-15/functions/f/response-streaming-invocations"
BYTES = "application/octet-stream"


class Lab:
    def __init__(self) -> None:
        self.calls: list[tuple[Invocation, Any, AnswerStream]] = []
        self.checked: list[Invocation] = []
        self.answers: list[Response] = []
        write = wire_for("lambda").event_writer("InvokeWithResponseStream")
        stage = InvokingStreamed(self.begin, cast("Any", self), write, Quotas(), Pace(), FakeClock())
        self.front = Front([_sign, stage], FakeIds(), FakeClock())

    def begin(self, invocation: Invocation, done: Any, stream: AnswerStream | None, /) -> None:
        assert stream is not None
        stream.version = "7"
        self.calls.append((invocation, done, stream))

    def settled(self, caller: Principal, invocation: Invocation) -> bool:
        return caller.account == invocation.function.account

    async def check(self, caller: Principal, invocation: Invocation) -> None:
        self.checked.append(invocation)

    async def ask(self, *headers: tuple[str, str], body: bytes = b"{}", query: str = "") -> None:
        self.front(HttpRequest("POST", PATH, query, list(headers), body), "", self.answers.append)
        for _ in range(5):
            await asyncio.sleep(0)


def _sign(exchange: Exchange) -> None:
    exchange.principal = Principal("000000000000", "arn:aws:iam::000000000000:root", "0")
    exchange.service, exchange.region = "lambda", "us-east-1"


def events(data: bytes) -> list[tuple[str, bytes]]:
    buffer = EventStreamBuffer()
    buffer.add_data(data)
    return [(message.headers[":event-type"], message.payload) for message in buffer]


async def test_an_answer_in_pieces_is_one_event_for_each_and_then_the_end() -> None:
    lab = Lab()
    await lab.ask(query="Qualifier=live", body=b'{"a":1}')
    ((invocation, done, stream),) = lab.calls
    assert (invocation.qualifier, invocation.payload) == ("live", b'{"a":1}')
    stream.opened(BYTES, lambda: None)
    (answer,) = lab.answers
    assert isinstance(answer, StreamedResponse)
    headers = dict(answer.headers)
    assert (headers["content-type"], headers["x-amz-executed-version"]) == ("application/vnd.amazon.eventstream", "7")
    stream.write(b"one")
    assert events(await anext(answer.body)) == [("PayloadChunk", b"one")]
    done(InvocationResult("7", b"", log_tail=b"log", content_type=BYTES))
    assert events(await anext(answer.body)) == [("InvokeComplete", b'{"LogResult":"bG9n"}')]
    with pytest.raises(StopAsyncIteration):
        await anext(answer.body)


async def test_an_answer_that_came_whole_is_one_chunk() -> None:
    lab = Lab()
    await lab.ask()
    lab.calls[0][1](InvocationResult("7", b'{"a":1}'))
    (answer,) = lab.answers
    assert isinstance(answer, HttpResponse)
    assert events(answer.body) == [("PayloadChunk", b'{"a":1}'), ("InvokeComplete", b"{}")]


@pytest.mark.parametrize("opened", [False, True])
async def test_a_function_error_is_told_at_the_end(opened: bool) -> None:
    lab = Lab()
    await lab.ask()
    _, done, stream = lab.calls[0]
    if opened:
        stream.opened(BYTES, lambda: None)
    done(InvocationResult("7", b'{"errorType":"E"}', "Unhandled", content_type=BYTES if opened else ""))
    (answer,) = lab.answers
    assert not isinstance(answer, Upgrade)
    body = await anext(answer.body) if isinstance(answer, StreamedResponse) else answer.body
    ((kind, told),) = events(body)
    assert kind == "InvokeComplete"
    assert told == b'{"ErrorCode":"Unhandled","ErrorDetails":"{\\"errorType\\":\\"E\\"}"}'


async def test_what_the_platform_loses_in_the_middle_is_told_at_the_end() -> None:
    lab = Lab()
    await lab.ask()
    _, done, stream = lab.calls[0]
    stream.opened(BYTES, lambda: None)
    done(ServiceError("lost"))
    (answer,) = lab.answers
    assert isinstance(answer, StreamedResponse)
    ((_, told),) = events(await anext(answer.body))
    assert told == b'{"ErrorCode":"ServiceException","ErrorDetails":"lost"}'


async def test_a_refusal_before_the_function_ran_is_an_ordinary_error() -> None:
    lab = Lab()
    await lab.ask()
    lab.calls[0][1](ServiceError("no"))
    (answer,) = lab.answers
    assert isinstance(answer, HttpResponse)
    assert answer.status == 500


async def test_a_client_that_goes_away_before_it_read_anything_frees_the_function() -> None:
    lab = Lab()
    await lab.ask()
    stream = lab.calls[0][2]
    stream.opened(BYTES, lambda: None)
    stream.write(bytes(10**6))
    (answer,) = lab.answers
    assert isinstance(answer, StreamedResponse)
    await answer.body.aclose()  # type: ignore[attr-defined]
    assert not stream.full


async def test_a_dry_run_only_checks_and_asynchronous_streams_do_not_exist() -> None:
    lab = Lab()
    await lab.ask(("x-amz-invocation-type", "DryRun"))
    await lab.ask(("x-amz-invocation-type", "Event"))
    await lab.ask(body=b"{")
    statuses = [answer.status for answer in lab.answers]
    assert (statuses, len(lab.checked), lab.calls) == ([204, 400, 400], 1, [])
