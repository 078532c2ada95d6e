"""Streamed answers as users meet them: boto3's event stream, and what holds a function back.

Sources: Lambda service model, InvokeWithResponseStream; behaviours section 17; docs/guides/streaming.md.
"""

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

SOURCE = """
import asyncio, os, sys, time

def handler(event, context):
    kind = event.get("kind", "words")
    if kind == "whole":
        return {"whole": True}
    return globals()[kind](event)

def words(event):
    print("begun")
    for word in event.get("words", ["one", "two"]):
        yield word
        time.sleep(event.get("pause", 0))
    if event.get("fail"):
        raise ValueError("in the middle")

async def later(event):
    for number in range(3):
        await asyncio.sleep(0.01)
        yield str(number)

def exits(event):
    yield "a"
    os._exit(7)

def flood(event):
    for number in range(event["pieces"]):
        yield b"x" * 65536
    open("/tmp/done", "w").close()

def done(event):
    yield str(os.path.exists("/tmp/done"))
"""


@pytest.fixture(scope="module")
def function(platform: "Platform") -> str:
    return platform.create(SOURCE, Timeout=60)


def stream(platform: "Platform", name: str, event: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    answer = platform.client("lambda").invoke_with_response_stream(FunctionName=name, Payload=json.dumps(event), **more)
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    return list(answer["EventStream"])


def payload(events: list[dict[str, Any]]) -> bytes:
    return b"".join(event["PayloadChunk"]["Payload"] for event in events if "PayloadChunk" in event)


def test_the_first_piece_is_here_before_the_function_is_done(platform: "Platform") -> None:
    name = platform.create_gated(
        "def handler(event, context):\n    yield 'a'\n    stand(event['gate'])\n    yield 'b'\n"
    )
    with platform.gate() as gate:
        answer = platform.client("lambda").invoke_with_response_stream(
            FunctionName=name, Payload=json.dumps({"gate": gate.name})
        )
        events = iter(answer["EventStream"])
        assert next(events) == {"PayloadChunk": {"Payload": b"a"}}
        gate.open()
        assert list(events) == [{"PayloadChunk": {"Payload": b"b"}}, {"InvokeComplete": {}}]


def test_generators_of_both_kinds_and_plain_handlers_answer_the_streaming_api(
    platform: "Platform", function: str
) -> None:
    events = stream(platform, function, {"kind": "later"}, LogType="Tail")
    assert payload(events) == b"012"
    assert "LogResult" in events[-1]["InvokeComplete"]
    (chunk, end) = stream(platform, function, {"kind": "whole"})
    assert json.loads(chunk["PayloadChunk"]["Payload"]) == {"whole": True}
    assert end == {"InvokeComplete": {}}


def test_plain_invoke_gets_the_whole_of_a_streamed_answer(platform: "Platform", function: str) -> None:
    answer = platform.client("lambda").invoke(FunctionName=function, Payload=b"{}")
    assert answer["Payload"].read() == b"onetwo"


def test_errors_in_the_middle_are_told_at_the_end(platform: "Platform", function: str) -> None:
    events = stream(platform, function, {"fail": True})
    assert payload(events) == b"onetwo"
    complete = events[-1]["InvokeComplete"]
    assert complete["ErrorCode"] == "Unhandled"
    assert json.loads(complete["ErrorDetails"])["errorType"] == "ValueError"
    events = stream(platform, function, {"kind": "exits"})
    assert payload(events) == b"a"
    assert json.loads(events[-1]["InvokeComplete"]["ErrorDetails"])["errorType"] == "Runtime.ExitError"


def test_a_timeout_in_the_middle_is_told_at_the_end(platform: "Platform") -> None:
    name = platform.create(SOURCE, Timeout=3)
    events = stream(platform, name, {"words": ["a"], "pause": 60})
    assert payload(events) == b"a"
    assert json.loads(events[-1]["InvokeComplete"]["ErrorDetails"])["errorType"] == "Sandbox.Timedout"


def test_bad_requests_get_awss_errors(platform: "Platform", function: str) -> None:
    lambda_ = platform.client("lambda")
    for parameters, code in (
        ({"FunctionName": "no-such"}, "ResourceNotFoundException"),
        ({"Payload": b"{"}, "InvalidRequestContentException"),
        ({"Qualifier": "no-such"}, "ResourceNotFoundException"),
    ):
        with pytest.raises(ClientError) as caught:
            lambda_.invoke_with_response_stream(**{"FunctionName": function, **parameters})
        assert caught.value.response["Error"]["Code"] == code
    dry = lambda_.invoke_with_response_stream(FunctionName=function, InvocationType="DryRun")
    assert dry["StatusCode"] == 204


def test_a_reader_that_stops_stops_the_function_and_the_edge_holds_little(
    platform: "Platform", function: str, eventually: Any
) -> None:
    """64 MB, of which the client takes one piece and then nothing."""
    name = platform.create(SOURCE, Timeout=60)
    edge = _edge(platform)
    before_kb = _memory_kb(edge)
    answer = platform.client("lambda").invoke_with_response_stream(
        FunctionName=name, Payload=json.dumps({"kind": "flood", "pieces": 1000})
    )
    events = iter(answer["EventStream"])
    next(events)
    _rest_until_still(lambda: _memory_kb(edge))
    assert _memory_kb(edge) - before_kb < 24 * 1024
    rest = list(events)
    assert payload(rest) == b"x" * 65536 * 999
    eventually(lambda: payload(stream(platform, name, {"kind": "done"})) == b"True")  # another environment may answer


def test_a_client_that_hangs_up_does_not_end_the_function(platform: "Platform", eventually: Any) -> None:
    """It runs on to its end and is used again. Source: behaviours section 17, last sentence."""
    name = platform.create(SOURCE, Timeout=60)
    answer = platform.client("lambda").invoke_with_response_stream(
        FunctionName=name, Payload=json.dumps({"kind": "flood", "pieces": 300})
    )
    next(iter(answer["EventStream"]))
    answer["EventStream"].close()
    eventually(lambda: payload(stream(platform, name, {"kind": "done"})) == b"True")


def _edge(platform: "Platform") -> int:
    status = json.loads(platform.lambent("status", "--data", platform.server.data, "--format", "json").stdout)
    return int(status["parts"]["edges"][0]["pid"])


def _memory_kb(pid: int) -> int:
    with open(f"/proc/{pid}/statm") as statm:
        return int(statm.read().split()[1]) * 4


def _rest_until_still(read: Any) -> None:
    last, still = read(), 0
    while still < 5:
        threading.Event().wait(0.05)
        now = read()
        still = still + 1 if now == last else 0
        last = now
