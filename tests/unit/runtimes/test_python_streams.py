"""Handlers that are generators: what they yield goes out as it is yielded. Source: docs/guides/streaming.md.

The head of an HTTP answer has the form of the runtimes that stream on AWS (behaviours section 14).
"""

import json
import select
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from lambent.environment import frames
from lambent.environment.frames import FrameReader

NAMES = ("python3.9", "python3.10", "python3.11", "python3.12", "python3.13", "python3.14")
FOUND = sorted(
    {path for name in NAMES if (path := shutil.which(name)) and "shims" not in path}
    | {str(path) for name in NAMES for path in Path.home().glob(f".pyenv/versions/{name[6:]}.*/bin/python")}
)
BYTES, HTTP = "application/octet-stream", "application/vnd.awslambda.http-integration-response"


def ask(bootstrap: Any, payload: bytes = b"{}", request_id: str = "r-1") -> list[frames.Frame]:
    """Every frame up to the one that ends the answer."""
    reader = FrameReader()
    found: list[frames.Frame] = []
    bootstrap.channel.sendall(frames.encode(frames.INVOKE, [request_id, "4102444800000", "arn", "", ""], payload))
    while not found or found[-1].kind in frames.PIECES:
        found += reader.feed(bootstrap.channel.recv(65536))
    return found


def text(found: list[frames.Frame]) -> bytes:
    assert found[-1].kind == frames.RESPONSE, found[-1].payload
    return b"".join(frame.payload for frame in found)


@pytest.mark.parametrize("python", FOUND)
def test_generators_of_both_kinds_stream_on_every_interpreter(start: Any, python: str) -> None:
    source = """
import asyncio
def handler(event, context):
    return both(event) if event else {"plain": True}
def both(event):
    yield "\\u00e9"
    yield b"two"
    yield bytearray(b"3")
class Handlers:
    async def later(self, event, context):
        yield "a"
        await asyncio.sleep(0)
        yield "b"
later = Handlers().later
"""
    bootstrap = start(source, python=python).ready()
    found = ask(bootstrap, b"1")
    assert [(frame.kind, frame.payload) for frame in found] == [
        (frames.STREAM, "é".encode()),
        (frames.CHUNK, b"two"),
        (frames.CHUNK, b"3"),
        (frames.RESPONSE, b""),
    ]
    assert found[0].fields == ["r-1", BYTES]
    (plain,) = ask(bootstrap, b"null")
    assert json.loads(plain.payload) == {"plain": True}
    second = start(source, handler="app.later", python=python).ready()
    for request_id in ("r-1", "r-2"):  # on one event loop
        assert text(ask(second, request_id=request_id)) == b"ab"


def test_a_dict_that_is_yielded_first_is_the_head_of_an_http_answer(start: Any) -> None:
    bootstrap = start("def handler(e, c):\n yield {'statusCode': 201, 'cookies': ['a=b']}\n yield 'x'").ready()
    found = ask(bootstrap)
    assert found[0].fields == ["r-1", HTTP]
    head, end, rest = found[0].payload.partition(bytes(8))
    assert (json.loads(head), end, rest) == ({"statusCode": 201, "cookies": ["a=b"]}, bytes(8), b"")
    assert found[1].payload == b"x"


def test_a_long_piece_is_cut_into_frames(start: Any) -> None:
    bootstrap = start("def handler(e, c):\n yield b'x' * 200_000\n yield memoryview(b'y' * 70_000)").ready()
    found = ask(bootstrap)
    assert text(found) == b"x" * 200_000 + b"y" * 70_000
    assert max(len(frame.payload) for frame in found) == frames.PIECE_BYTES


def test_a_generator_that_yields_nothing_is_an_empty_stream(start: Any) -> None:
    bootstrap = start("def handler(e, c):\n return\n yield").ready()
    assert [(frame.kind, frame.payload) for frame in ask(bootstrap)] == [
        (frames.STREAM, b""),
        (frames.RESPONSE, b""),
    ]


def test_what_fails_before_the_first_piece_is_an_ordinary_error(start: Any) -> None:
    bootstrap = start("def handler(e, c):\n raise KeyError('k')\n yield").ready()
    (only,) = ask(bootstrap)
    assert (only.kind, only.fields) == (frames.ERROR, ["r-1", "KeyError"])


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_what_fails_in_the_middle_is_told_with_the_functions_own_frames(start: Any, kind: str) -> None:
    bootstrap = start(f"{kind} handler(e, c):\n yield 'a'\n raise ValueError('bad')").ready()
    first, error = ask(bootstrap)
    assert (first.kind, first.payload, error.kind, error.fields[1]) == (frames.STREAM, b"a", frames.ERROR, "ValueError")
    (frame,) = json.loads(error.payload)["stackTrace"]
    assert "app.py" in frame
    assert bootstrap.lines()[0].startswith("[ERROR] ValueError: bad")
    assert ask(bootstrap, request_id="r-2")[0].payload == b"a"


@pytest.mark.parametrize("wrong", ["1", "None", "['a']", "{'status': 200}", "{'statusCode': object()}"])
def test_a_yielded_value_that_cannot_be_sent_is_named_and_the_generator_is_closed(start: Any, wrong: str) -> None:
    source = f"def handler(e, c):\n try:\n  yield {wrong}\n finally:\n  print('closed')"
    bootstrap = start(source).ready()
    (error,) = ask(bootstrap)
    assert error.fields == ["r-1", "Runtime.MarshalError"]
    assert "closed" in bootstrap.lines()


def test_a_dict_after_the_first_piece_is_refused(start: Any) -> None:
    bootstrap = start("async def handler(e, c):\n yield 'a'\n yield {'statusCode': 200}").ready()
    _, error = ask(bootstrap)
    assert error.fields[1] == "Runtime.MarshalError"


def test_the_generator_stands_still_while_nobody_reads(start: Any) -> None:
    source = """
def handler(event, context):
    for number in range(1000):
        yield b"x" * 60000
        print(number)
"""
    bootstrap = start(source, python=sys.executable).ready()
    bootstrap.channel.sendall(frames.encode(frames.INVOKE, ["r-1", "4102444800000", "arn", "", ""], b"{}"))
    bootstrap.channel.recv(1)
    lines, before = bootstrap.lines(), -1
    while len(lines) != before:  # until it has come to rest
        before = len(lines)
        select.select([], [], [], 0.2)
        lines += bootstrap.lines()
    assert len(lines) < 100
