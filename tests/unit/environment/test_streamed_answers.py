"""Answers in pieces through a live environment; the test is the runtime. Source: environment/api.py.

On both event loops: see conftest.py.
"""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable

import pytest

from lambent.clock import SystemClock
from lambent.environment import frames
from lambent.environment.api import Outcome, OutcomeKind, Stream
from lambent.environment.live import LiveEnvironment
from lambent.model.environment import EnvironmentExit, EnvironmentGrant
from lambent.model.function import FunctionKey
from lambent.model.invocation import Invocation

INVOCATION = Invocation("r-1", FunctionKey("000000000000", "us-east-1", "f"), "", b"{}")
LATER_S, LIMIT_BYTES = 60.0, 100
END = frames.encode(frames.RESPONSE, ["r-1"], b"")
PIECE = b"x" * frames.PIECE_BYTES


def opening(data: bytes = b"", content_type: str = "text/plain") -> bytes:
    return frames.encode(frames.STREAM, ["r-1", content_type], data)


def chunk(data: bytes, request_id: str = "r-1") -> bytes:
    return frames.encode(frames.CHUNK, [request_id], data)


class Reader:
    """Takes what comes; `full` when the test says so."""

    def __init__(self, limit_bytes: int = 10**9) -> None:
        self.limit_bytes, self.full = limit_bytes, False
        self.content_type, self.data = "", b""
        self.go_on: Callable[[], None]

    def opened(self, content_type: str, go_on: Callable[[], None]) -> None:
        self.content_type, self.go_on = content_type, go_on

    def write(self, piece: bytes) -> None:
        self.data += piece


class Lab:
    def __init__(self) -> None:
        channel, self.peer = socket.socketpair()
        output, self.output = os.pipe()
        self.environment = LiveEnvironment(
            EnvironmentGrant("e", "k", initialised=True), channel, output, None, SystemClock()
        )

    def begin(self, stream: Stream | None = None, timeout_s: float = LATER_S) -> asyncio.Task[Outcome]:
        return asyncio.create_task(self.environment.invoke(INVOCATION, "arn", timeout_s, LIMIT_BYTES, stream))

    async def receive(self) -> None:
        await asyncio.to_thread(self.peer.recv, 65536)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(LATER_S):
        while not condition():
            await asyncio.sleep(0.001)


@pytest.fixture
async def lab() -> AsyncIterator[Lab]:
    made = Lab()
    yield made
    made.environment.close()
    made.peer.close()
    os.close(made.output)


async def test_pieces_are_there_before_the_answer_is_whole(lab: Lab) -> None:
    reader = Reader()
    task = lab.begin(reader)
    await lab.receive()
    lab.peer.sendall(opening(b"one ") + chunk(b"two"))
    await until(lambda: reader.data == b"one two")
    assert not task.done()
    lab.peer.sendall(END)
    outcome = await task
    assert (outcome.kind, outcome.payload, outcome.content_type) == (OutcomeKind.RESPONSE, b"", "text/plain")
    assert lab.environment.usable


async def test_without_a_stream_the_pieces_come_as_one_payload(lab: Lab) -> None:
    task = lab.begin()
    await lab.receive()
    lab.peer.sendall(opening(b"a") + chunk(b"b") + END)
    outcome = await task
    assert (outcome.payload, outcome.content_type, outcome.streamed_bytes) == (b"ab", "text/plain", 2)
    assert 0 < outcome.began_us <= outcome.duration_us
    again = lab.begin()
    await lab.receive()
    lab.peer.sendall(frames.encode(frames.RESPONSE, ["r-1"], b"{}"))
    assert (await again).content_type == ""


async def test_an_answer_in_pieces_is_cut_at_its_limit(lab: Lab) -> None:
    reader = Reader(limit_bytes=5)
    task = lab.begin(reader)
    await lab.receive()
    lab.peer.sendall(opening(b"abc") + chunk(b"defg") + chunk(b"h") + END)
    outcome = await task
    assert (outcome.kind, outcome.streamed_bytes) == (OutcomeKind.TOO_LARGE, 5)
    assert reader.data == b"abcde"
    collected = lab.begin()
    await lab.receive()
    lab.peer.sendall(opening(b"x" * (LIMIT_BYTES + 1)) + END)
    assert (await collected).kind is OutcomeKind.TOO_LARGE
    assert lab.environment.usable


async def test_an_error_in_the_middle_is_the_outcome(lab: Lab) -> None:
    reader = Reader()
    task = lab.begin(reader)
    await lab.receive()
    lab.peer.sendall(opening(b"a") + frames.encode(frames.ERROR, ["r-1", "ValueError"], b"{}"))
    outcome = await task
    assert (outcome.kind, outcome.error_type, outcome.content_type) == (OutcomeKind.ERROR, "ValueError", "text/plain")


async def test_a_reader_that_is_full_stops_the_writer_and_lets_it_go_on(lab: Lab) -> None:
    reader = Reader()
    task = lab.begin(reader)
    await lab.receive()
    reader.full = True
    sent = bytearray(opening() + chunk(PIECE) * 100)
    lab.peer.setblocking(False)
    while len(sent) > 0:
        try:
            del sent[: lab.peer.send(sent)]
        except BlockingIOError:
            held = len(reader.data)
            await asyncio.sleep(0.02)
            if len(reader.data) == held:
                break
    assert len(sent) > 50 * len(PIECE)  # most of it found no room
    assert len(reader.data) <= 16 * len(PIECE)
    reader.full = False
    reader.go_on()
    lab.peer.setblocking(True)
    await asyncio.to_thread(lab.peer.sendall, sent + END)
    assert (await task).kind is OutcomeKind.RESPONSE
    assert reader.data == PIECE * 100


async def test_a_function_that_never_stops_sending_is_still_timed_out(lab: Lab) -> None:
    reader = Reader()
    reader.full = True  # and nobody ever reads
    task = lab.begin(reader, timeout_s=0.05)
    await lab.receive()
    lab.peer.sendall(opening())
    stop = asyncio.Event()

    def flood() -> None:
        lab.peer.settimeout(0.01)
        while not stop.is_set():
            try:
                lab.peer.send(chunk(PIECE))
            except OSError:
                continue

    flooding = asyncio.create_task(asyncio.to_thread(flood))
    outcome = await asyncio.wait_for(task, LATER_S)
    stop.set()
    await flooding
    assert outcome.kind is OutcomeKind.TIMEOUT
    assert not lab.environment.usable


async def test_a_flood_of_single_bytes_takes_turns_with_everything_else(lab: Lab) -> None:
    """However fast they come, the loop runs others between a read and the next."""
    reader = Reader()
    task = lab.begin(reader)
    await lab.receive()
    count = 20_000
    sending = asyncio.create_task(asyncio.to_thread(lab.peer.sendall, opening() + chunk(b"x") * count + END))
    most = before = 0
    while not task.done():
        await asyncio.sleep(0)
        most, before = max(most, len(reader.data) - before), len(reader.data)
    await sending
    assert reader.data == b"x" * count
    assert most <= 2 * 65536 // len(chunk(b"x"))


@pytest.mark.parametrize(
    "wrong",
    [
        chunk(b"a"),  # before the answer was opened
        opening() + opening(),
        opening() + chunk(b""),
        opening() + chunk(b"a", request_id="r-0"),
        opening() + frames.encode(frames.RESPONSE, ["r-1"], b"more"),
    ],
)
async def test_pieces_out_of_turn_end_the_environment(lab: Lab, wrong: bytes) -> None:
    task = lab.begin(Reader())
    await lab.receive()
    lab.peer.sendall(wrong)
    assert (await task).kind is OutcomeKind.GARBAGE


async def test_what_was_sent_before_a_crash_arrives_though_the_reader_was_full(lab: Lab) -> None:
    reader = Reader()
    task = lab.begin(reader)
    await lab.receive()
    reader.full = True
    lab.peer.sendall(opening(b"a"))
    await until(lambda: reader.data)
    lab.peer.sendall(chunk(b"b"))
    lab.environment.exited(EnvironmentExit("e", exit_status=1))
    assert (await task).kind is OutcomeKind.EXIT
    assert reader.data == b"ab"
