"""One suite for every `Environment`: the scripted fake, and the live one with a hand-driven runtime.

Source: src/lambent/environment/api.py.
"""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lambent.clock import SystemClock
from lambent.environment import frames
from lambent.environment.api import Environment, Outcome, OutcomeKind
from lambent.environment.fake import FakeEnvironment
from lambent.environment.live import LiveEnvironment
from lambent.errors import IllegalStep
from lambent.model.environment import EnvironmentExit, EnvironmentGrant
from lambent.model.function import FunctionKey
from lambent.model.invocation import Invocation

KEY = FunctionKey("000000000000", "us-east-1", "f")
INVOCATION = Invocation("r-1", KEY, "", b'{"a":1}')
SOON_S, LATER_S, LIMIT_BYTES = 0.02, 60.0, 1000


class FakeStage:
    """The fake, and how its function is made to act."""

    def __init__(self, _: Path) -> None:
        self.fake = FakeEnvironment(
            "e-1", "k-1", SystemClock(), init=None, answers=[self._never] * 9, peak_memory_bytes=4096
        )
        self.environment: Environment = self.fake

    @property
    def frozen(self) -> bool:
        return self.fake.frozen

    async def _never(self, _: Invocation) -> Outcome:
        never: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        return await never

    def ready(self, init_us: int) -> None:
        self.fake.wake(Outcome(OutcomeKind.READY, init_us))

    def fail_init(self, error_type: str, payload: bytes) -> None:
        self.fake.wake(Outcome(OutcomeKind.ERROR, 5, payload, error_type))

    def respond(self, payload: bytes) -> None:
        too_large = len(payload) > LIMIT_BYTES
        self.fake.wake(Outcome(OutcomeKind.TOO_LARGE, 1) if too_large else Outcome(OutcomeKind.RESPONSE, 1, payload))

    def fail(self, error_type: str, payload: bytes) -> None:
        self.fake.wake(Outcome(OutcomeKind.ERROR, 1, payload, error_type))

    def write(self, line: str) -> None:
        self.fake.write(line)

    def leave(self) -> None:
        self.environment.close()


class LiveStage:
    """The live one; the test is the runtime at the other end."""

    def __init__(self, folder: Path) -> None:
        channel, self.peer = socket.socketpair()
        output, self.output = os.pipe()
        gauge = folder / "memory.peak"
        gauge.write_text("4096\n")
        self.freezer = folder / "cgroup.freeze"
        self.freezer.touch()
        descriptors = (os.open(gauge, os.O_RDONLY), SystemClock(), os.open(self.freezer, os.O_WRONLY | os.O_APPEND))
        grant = EnvironmentGrant("e-1", "k-1")
        self.environment: Environment = LiveEnvironment(grant, channel, output, *descriptors)

    @property
    def frozen(self) -> bool:
        return self.freezer.read_text().endswith("1")

    def ready(self, init_us: int) -> None:
        self.peer.sendall(frames.encode(frames.READY, [str(init_us)], b""))

    def fail_init(self, error_type: str, payload: bytes) -> None:
        self.peer.sendall(frames.encode(frames.INIT_ERROR, [error_type, "5"], payload))

    def respond(self, payload: bytes) -> None:
        self.peer.sendall(frames.encode(frames.RESPONSE, ["r-1"], payload))

    def fail(self, error_type: str, payload: bytes) -> None:
        self.peer.sendall(frames.encode(frames.ERROR, ["r-1", error_type], payload))

    def write(self, line: str) -> None:
        os.write(self.output, line.encode() + b"\n")

    def leave(self) -> None:
        self.environment.close()
        self.peer.close()
        os.close(self.output)


Stage = FakeStage | LiveStage


@pytest.fixture(params=[FakeStage, LiveStage], ids=["fake", "live"])
async def stage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stage]:
    made: Stage = request.param(tmp_path)
    yield made
    made.leave()


async def begin(stage: Stage, timeout_s: float = LATER_S) -> asyncio.Task[Outcome]:
    """An invocation that is inside."""
    environment = stage.environment
    task = asyncio.create_task(environment.invoke(INVOCATION, "arn", timeout_s, LIMIT_BYTES))
    while environment.usable:
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    return task


async def make_ready(stage: Stage) -> None:
    stage.ready(1234)
    assert (await stage.environment.wait_ready(LATER_S)).kind is OutcomeKind.READY


async def test_it_carries_the_names_of_its_grant(stage: Stage) -> None:
    assert (stage.environment.id, stage.environment.key) == ("e-1", "k-1")


async def test_it_becomes_ready_once_and_tells_how_long_the_init_phase_was(stage: Stage) -> None:
    assert not stage.environment.usable
    waiting = asyncio.create_task(stage.environment.wait_ready(LATER_S))
    await asyncio.sleep(0)
    stage.ready(1234)
    outcome = await waiting
    assert (outcome.kind, outcome.duration_us) == (OutcomeKind.READY, 1234)
    assert stage.environment.usable


async def test_an_init_error_is_told_and_ends_it(stage: Stage) -> None:
    stage.fail_init("Runtime.ImportModuleError", b"{}")
    outcome = await stage.environment.wait_ready(LATER_S)
    assert (outcome.kind, outcome.error_type, outcome.payload) == (
        OutcomeKind.ERROR,
        "Runtime.ImportModuleError",
        b"{}",
    )
    assert not stage.environment.usable


async def test_an_init_phase_that_takes_too_long_times_out(stage: Stage) -> None:
    assert (await stage.environment.wait_ready(SOON_S)).kind is OutcomeKind.TIMEOUT
    assert not stage.environment.usable


async def test_it_serves_one_invocation_after_the_other(stage: Stage) -> None:
    await make_ready(stage)
    for number in range(3):
        task = await begin(stage)
        assert not stage.environment.usable
        stage.respond(b"%d" % number)
        outcome = await task
        assert (outcome.kind, outcome.payload) == (OutcomeKind.RESPONSE, b"%d" % number)
        assert stage.environment.usable


async def test_an_error_of_the_function_leaves_it_usable(stage: Stage) -> None:
    await make_ready(stage)
    task = await begin(stage)
    stage.fail("KeyError", b'{"e":1}')
    outcome = await task
    assert (outcome.kind, outcome.error_type, outcome.payload) == (OutcomeKind.ERROR, "KeyError", b'{"e":1}')
    assert stage.environment.usable


async def test_a_response_over_the_limit_is_dropped_and_leaves_it_usable(stage: Stage) -> None:
    await make_ready(stage)
    task = await begin(stage)
    stage.respond(b"x" * (LIMIT_BYTES + 1))
    outcome = await task
    assert (outcome.kind, outcome.payload) == (OutcomeKind.TOO_LARGE, b"")
    task = await begin(stage)
    stage.respond(b"x" * LIMIT_BYTES)
    assert (await task).kind is OutcomeKind.RESPONSE


async def test_an_invocation_out_of_turn_is_our_own_bug(stage: Stage) -> None:
    with pytest.raises(IllegalStep):
        await stage.environment.invoke(INVOCATION, "arn", LATER_S, LIMIT_BYTES)
    await make_ready(stage)
    task = await begin(stage)
    with pytest.raises(IllegalStep):
        await stage.environment.invoke(INVOCATION, "arn", LATER_S, LIMIT_BYTES)
    stage.respond(b"1")
    await task


async def test_an_invocation_that_takes_too_long_times_out_and_ends_it(stage: Stage) -> None:
    await make_ready(stage)
    outcome = await (await begin(stage, SOON_S))
    assert outcome.kind is OutcomeKind.TIMEOUT
    assert outcome.duration_us >= SOON_S * 1e6
    assert not stage.environment.usable
    with pytest.raises(IllegalStep):
        await stage.environment.invoke(INVOCATION, "arn", LATER_S, LIMIT_BYTES)


@pytest.mark.parametrize(
    "notice", [EnvironmentExit("e-1", exit_status=3), EnvironmentExit("e-1", signal=9, out_of_memory=True)], ids=str
)
async def test_the_agents_word_on_the_exit_completes_an_invocation(stage: Stage, notice: EnvironmentExit) -> None:
    await make_ready(stage)
    task = await begin(stage)
    stage.environment.exited(notice)
    outcome = await task
    assert (outcome.kind, outcome.exit) == (OutcomeKind.EXIT, notice)
    assert not stage.environment.usable


async def test_it_completes_an_init_phase_too(stage: Stage) -> None:
    waiting = asyncio.create_task(stage.environment.wait_ready(LATER_S))
    await asyncio.sleep(0)
    stage.environment.exited(EnvironmentExit("e-1", exit_status=0))
    assert (await waiting).kind is OutcomeKind.EXIT


async def test_what_the_platform_took_down_is_lost(stage: Stage) -> None:
    await make_ready(stage)
    task = await begin(stage)
    stage.environment.exited(EnvironmentExit("e-1", reason="the node is drained"))
    assert (await task).kind is OutcomeKind.LOST


async def test_one_that_ends_while_idle_is_not_usable(stage: Stage) -> None:
    await make_ready(stage)
    stage.environment.exited(EnvironmentExit("e-1", exit_status=1))
    assert not stage.environment.usable


async def test_closing_is_idempotent_and_tells_who_waits(stage: Stage) -> None:
    await make_ready(stage)
    task = await begin(stage)
    stage.environment.close()
    stage.environment.close()
    assert (await task).kind is OutcomeKind.LOST
    stage.environment.exited(EnvironmentExit("e-1", exit_status=1))
    assert not stage.environment.usable


async def test_lines_are_taken_once_and_are_complete_with_the_outcome(stage: Stage) -> None:
    stage.write("from the init phase")
    await make_ready(stage)
    assert [line.text for line in stage.environment.take_lines()] == ["from the init phase"]
    task = await begin(stage)
    stage.write("from the invocation")
    stage.respond(b"1")
    await task
    assert [line.text for line in stage.environment.take_lines()] == ["from the invocation"]
    assert list(stage.environment.take_lines()) == []


async def test_the_peak_of_its_memory_is_read_from_the_gauge(stage: Stage) -> None:
    assert stage.environment.peak_memory_bytes() == 4096


async def test_it_is_frozen_until_the_next_invocation(stage: Stage) -> None:
    stage.environment.freeze()
    assert not stage.frozen, "the init phase goes on"
    stage.ready(1)
    await stage.environment.wait_ready(LATER_S)
    assert not stage.frozen
    stage.environment.freeze()
    stage.environment.freeze()
    assert stage.frozen
    assert stage.environment.usable
    running = await begin(stage)
    assert not stage.frozen
    stage.environment.freeze()
    assert not stage.frozen, "an invocation is inside"
    stage.respond(b"1")
    assert (await running).kind is OutcomeKind.RESPONSE


async def test_nothing_is_frozen_once_it_has_ended(stage: Stage) -> None:
    stage.ready(1)
    await stage.environment.wait_ready(LATER_S)
    stage.environment.exited(EnvironmentExit("e-1", 0))
    stage.environment.freeze()
    assert not stage.frozen
    stage.environment.close()
    stage.environment.freeze()
    assert not stage.frozen
