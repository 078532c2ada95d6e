"""LiveEnvironment against a runtime that is slow, wrong, gone or hostile. Source: environment/api.py.

On both event loops: see conftest.py.
"""

import asyncio
import os
import socket
import threading
from collections.abc import AsyncIterator

import pytest

from lambent.clock import FakeClock, SystemClock
from lambent.environment import frames, live
from lambent.environment.api import Outcome, OutcomeKind
from lambent.environment.live import LiveEnvironment
from lambent.environment.output import DEFAULT_LIMIT_BYTES
from lambent.model.environment import EnvironmentExit, EnvironmentGrant
from lambent.model.function import FunctionKey
from lambent.model.invocation import Invocation

KEY = FunctionKey("000000000000", "us-east-1", "f")
LATER_S, LIMIT_BYTES = 60.0, 1_000_000
READY = frames.encode(frames.READY, ["7"], b"")
RESPONSE = frames.encode(frames.RESPONSE, ["r-1"], b"1")


class Runtime:
    """The other end, by hand, and the environment at this one."""

    def __init__(self) -> None:
        channel, self.channel = socket.socketpair()
        output, self.output = os.pipe()
        self.environment = LiveEnvironment(EnvironmentGrant("e", "k"), channel, output, None, SystemClock())

    async def ready(self) -> LiveEnvironment:
        self.channel.sendall(READY)
        assert (await self.environment.wait_ready(LATER_S)).kind is OutcomeKind.READY
        return self.environment

    def begin(self, payload: bytes = b"{}", trace_header: str = "", client_context: str = "") -> asyncio.Task[Outcome]:
        invocation = Invocation("r-1", KEY, "", payload, trace_header, client_context)
        return asyncio.create_task(self.environment.invoke(invocation, "arn", LATER_S, LIMIT_BYTES))

    async def received(self) -> bytes:
        """The frame that the environment sends, read in a thread."""
        return await asyncio.to_thread(self._receive)

    def _receive(self) -> bytes:
        data = self.channel.recv(1 << 20)
        while len(data) < 4 + int.from_bytes(data[:4], "big"):
            data += self.channel.recv(1 << 20)
        return data

    def lines(self) -> list[str]:
        return [line.text for line in self.environment.take_lines()]

    def close(self) -> None:
        self.environment.close()
        self.channel.close()
        if self.output >= 0:
            os.close(self.output)


@pytest.fixture
async def runtime() -> AsyncIterator[Runtime]:
    made = Runtime()
    yield made
    made.close()


async def until_unusable(environment: LiveEnvironment) -> None:
    async with asyncio.timeout(LATER_S):
        while environment.usable:
            await asyncio.sleep(0)


async def test_the_runtime_is_told_everything_about_the_invocation(runtime: Runtime) -> None:
    await runtime.ready()
    task = runtime.begin(b'{"x":1}', trace_header="Root=1-a", client_context='{"custom":{}}')
    data = await runtime.received()
    length, kind, meta_bytes = frames.HEADER.unpack_from(data)
    fields = data[7 : 7 + meta_bytes].decode().split("\0")
    assert (length, kind, data[7 + meta_bytes :]) == (len(data) - 4, frames.INVOKE, b'{"x":1}')
    trace, parent, sampled, lineage = fields[3].split(";")
    assert [fields[0], fields[2], trace, fields[4]] == ["r-1", "arn", "Root=1-a", '{"custom":{}}']
    assert parent.startswith("Parent=")
    assert sampled == "Sampled=0"  # nobody has decided otherwise
    assert lineage.startswith("Lineage=1:")
    deadline_ms = SystemClock().now_ms() + LATER_S * 1000
    assert deadline_ms - 5000 < int(fields[1]) <= deadline_ms
    runtime.channel.sendall(RESPONSE)
    assert (await task).kind is OutcomeKind.RESPONSE


async def test_headers_that_no_frame_can_carry_do_no_harm(runtime: Runtime) -> None:
    await runtime.ready()
    task = runtime.begin(trace_header="x" * 100_000, client_context='{"a":"\0"}')
    data = await runtime.received()
    trace, _, rest = data.split(b"arn\0")[1].partition(b"\0")
    assert trace.startswith(b"Root=1-")  # a new one: what came was no trace
    assert b"xxx" not in trace
    assert rest == b'{"a":""}{}'
    runtime.channel.sendall(RESPONSE)
    assert (await task).kind is OutcomeKind.RESPONSE


@pytest.mark.parametrize(
    "sent",
    [
        frames.encode(frames.RESPONSE, ["r-2"], b"1"),
        frames.encode(frames.ERROR, ["r-2", "E"], b"1"),
        READY,
        frames.encode(frames.INIT_ERROR, ["E", "1"], b""),
        b"HTTP/1.1 200 OK\r\n\r\n",
    ],
    ids=["another id", "error for another id", "ready again", "init error now", "not a frame"],
)
async def test_what_no_bootstrap_sends_ends_an_invocation(runtime: Runtime, sent: bytes) -> None:
    environment = await runtime.ready()
    task = runtime.begin()
    await runtime.received()
    runtime.channel.sendall(sent)
    assert (await task).kind is OutcomeKind.GARBAGE
    assert not environment.usable


@pytest.mark.parametrize(
    "sent",
    [RESPONSE, frames.encode(frames.READY, ["-1"], b""), frames.encode(frames.READY, ["9" * 30], b""), b"\xff" * 9],
)
async def test_what_no_bootstrap_sends_ends_an_init_phase(runtime: Runtime, sent: bytes) -> None:
    runtime.channel.sendall(sent)
    assert (await runtime.environment.wait_ready(LATER_S)).kind is OutcomeKind.GARBAGE


@pytest.mark.parametrize("sent", [RESPONSE, READY, b"\xff" * 9, b""], ids=["answer", "ready", "garbage", "hang-up"])
async def test_one_that_speaks_or_hangs_up_while_idle_is_not_used_again(runtime: Runtime, sent: bytes) -> None:
    environment = await runtime.ready()
    if sent:
        runtime.channel.sendall(sent)
    else:
        runtime.channel.close()
    await until_unusable(environment)


async def test_two_answers_at_once_give_the_first_and_end_it(runtime: Runtime) -> None:
    environment = await runtime.ready()
    task = runtime.begin()
    await runtime.received()
    runtime.channel.sendall(RESPONSE + RESPONSE)
    assert (await task).payload == b"1"
    assert not environment.usable


async def test_a_hang_up_waits_for_the_agents_word(runtime: Runtime) -> None:
    environment = await runtime.ready()
    task = runtime.begin()
    await runtime.received()
    os.write(runtime.output, b"last words")
    runtime.channel.close()
    while environment._exit_wait is None:
        await asyncio.sleep(0)
    notice = EnvironmentExit("e", signal=11)
    environment.exited(notice)
    outcome = await task
    assert (outcome.kind, outcome.exit) == (OutcomeKind.EXIT, notice)
    assert runtime.lines() == ["last words"]


async def test_the_time_until_the_agents_word_is_not_the_functions() -> None:
    clock = FakeClock()
    channel, theirs = socket.socketpair()
    output, writes = os.pipe()
    environment = LiveEnvironment(EnvironmentGrant("e", "k"), channel, output, None, clock)
    ready = asyncio.create_task(environment.wait_ready(LATER_S))
    theirs.sendall(frames.encode(frames.READY, ["5"], b""))
    await ready
    task = asyncio.create_task(environment.invoke(Invocation("r-1", KEY, "", b"{}"), "arn", LATER_S, LIMIT_BYTES))
    await asyncio.to_thread(theirs.recv, 1 << 20)
    await clock.advance(0.25)
    theirs.close()
    while environment._exit_wait is None:
        await asyncio.sleep(0)
    await clock.advance(3)  # an agent with much to do
    environment.exited(EnvironmentExit("e", exit_status=3))
    outcome = await task
    assert (outcome.kind, outcome.duration_us, outcome.began_us) == (OutcomeKind.EXIT, 250_000, 0)
    environment.close()
    os.close(writes)


@pytest.mark.parametrize("busy", [True, False])
async def test_a_function_that_closes_its_channel_and_lives_on_is_no_loss_of_the_platform(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch, busy: bool
) -> None:
    monkeypatch.setattr(live, "EXIT_NOTICE_S", 0.01)
    if busy:
        await runtime.ready()
        task = runtime.begin()
        await runtime.received()
    else:
        task = asyncio.create_task(runtime.environment.wait_ready(LATER_S))
    runtime.channel.close()
    assert (await task).kind is OutcomeKind.GARBAGE


async def test_an_answer_that_was_sent_before_the_exit_counts(runtime: Runtime) -> None:
    environment = await runtime.ready()
    task = runtime.begin()
    await runtime.received()
    runtime.channel.sendall(RESPONSE)
    environment.exited(EnvironmentExit("e", exit_status=0))  # before the loop has seen the answer
    assert (await task).kind is OutcomeKind.RESPONSE
    assert not environment.usable


async def test_large_payloads_pass_whole_both_ways(runtime: Runtime) -> None:
    environment = await runtime.ready()
    payload = os.urandom(6_000_000)
    task = runtime.begin(payload)
    data = await runtime.received()
    assert data.endswith(payload)
    for chunk in (payload[:LIMIT_BYTES], payload):
        frame = frames.encode(frames.RESPONSE, ["r-1"], chunk)
        await asyncio.to_thread(runtime.channel.sendall, frame)
        outcome = await task
        if chunk is payload:
            assert outcome.kind is OutcomeKind.TOO_LARGE
            assert environment.usable
        else:
            assert outcome.payload == chunk
            task = runtime.begin()
            await runtime.received()


async def test_an_answer_before_the_event_was_read_cannot_mix_frames(runtime: Runtime) -> None:
    environment = await runtime.ready()
    task = runtime.begin(bytes(6_000_000))
    await asyncio.sleep(0)
    runtime.channel.sendall(RESPONSE)
    assert (await task).kind is OutcomeKind.RESPONSE
    assert (await runtime.begin()).kind is OutcomeKind.GARBAGE
    assert not environment.usable


async def test_the_deadline_moves_with_each_invocation_and_is_met_by_the_injected_clock() -> None:
    clock = FakeClock()
    channel, peer = socket.socketpair()
    output, written = os.pipe()
    environment = LiveEnvironment(EnvironmentGrant("e", "k"), channel, output, None, clock)
    peer.sendall(READY)
    await environment.wait_ready(0.01)
    invocation = Invocation("r-1", KEY, "", b"{}")
    task = asyncio.create_task(environment.invoke(invocation, "arn", 0.02, LIMIT_BYTES))
    while environment.usable:
        await asyncio.sleep(0)
    await clock.advance(0.015)  # past the first deadline, which is no longer the deadline
    peer.sendall(RESPONSE)
    assert (await task).kind is OutcomeKind.RESPONSE
    task = asyncio.create_task(environment.invoke(invocation, "arn", 0.02, LIMIT_BYTES))
    while environment.usable:
        await asyncio.sleep(0)
    await clock.advance(0.02)
    outcome = await task
    assert outcome.kind is OutcomeKind.TIMEOUT
    assert outcome.duration_us == pytest.approx(20_000, abs=2)
    environment.close()
    peer.close()
    os.close(written)


async def test_an_answer_that_waits_to_be_read_is_no_timeout(runtime: Runtime) -> None:
    environment = await runtime.ready()
    task = runtime.begin()
    await runtime.received()
    runtime.channel.sendall(RESPONSE)
    environment._deadline._missed()  # the timer comes first in a turn of the loop that came late
    assert (await task).kind is OutcomeKind.RESPONSE
    assert environment.usable


async def test_a_flood_of_output_neither_blocks_the_function_nor_fills_the_edge(runtime: Runtime) -> None:
    await runtime.ready()
    task = runtime.begin()
    await runtime.received()
    flood_bytes = DEFAULT_LIMIT_BYTES + 1_000_000

    def function() -> None:
        data = b"x" * 99 + b"\n"
        for _ in range(flood_bytes // 100):
            os.write(runtime.output, data)
        runtime.channel.sendall(RESPONSE)

    thread = threading.Thread(target=function)
    thread.start()
    assert (await task).kind is OutcomeKind.RESPONSE
    thread.join()
    lines = runtime.lines()
    assert lines[-1].startswith("[lambent] ")
    assert sum(map(len, lines)) <= DEFAULT_LIMIT_BYTES
    os.write(runtime.output, b"after\n")
    task = runtime.begin()
    await runtime.received()
    runtime.channel.sendall(RESPONSE)
    await task
    assert runtime.lines() == ["after"]


async def test_output_that_has_no_end_does_not_hold_up_the_answer(runtime: Runtime) -> None:
    await runtime.ready()
    stop = threading.Event()

    def child_process() -> None:
        os.set_blocking(runtime.output, False)
        while not stop.is_set():
            try:
                os.write(runtime.output, b"y\n" * 500)
            except BlockingIOError:
                stop.wait(0.0001)

    thread = threading.Thread(target=child_process)
    thread.start()
    try:
        for _ in range(5):
            task = runtime.begin()
            await runtime.received()
            runtime.channel.sendall(RESPONSE)
            assert (await task).kind is OutcomeKind.RESPONSE
            runtime.lines()
    finally:
        stop.set()
        thread.join()


async def test_output_that_ends_does_not_spin(runtime: Runtime) -> None:
    environment = await runtime.ready()
    os.write(runtime.output, b"bye\n")
    os.close(runtime.output)
    runtime.output = -1
    while environment._pipe._fd >= 0:
        await asyncio.sleep(0)
    task = runtime.begin()
    await runtime.received()
    runtime.channel.sendall(RESPONSE)
    assert (await task).kind is OutcomeKind.RESPONSE
    assert runtime.lines() == ["bye"]


async def test_one_whose_caller_was_cancelled_is_not_used_again(runtime: Runtime) -> None:
    environment = await runtime.ready()
    task = runtime.begin()
    await runtime.received()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not environment.usable
    runtime.channel.sendall(RESPONSE)
    for _ in range(10):
        await asyncio.sleep(0)
    assert not environment.usable


async def test_closing_lets_go_of_every_descriptor(runtime: Runtime) -> None:
    before = len(os.listdir("/proc/self/fd"))
    made = Runtime()
    await made.ready()
    made.close()
    assert len(os.listdir("/proc/self/fd")) == before
