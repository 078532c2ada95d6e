"""A zygote with what is forked from it: nothing is lost of what it makes, and nothing comes after its end."""

import asyncio
from pathlib import Path
from typing import cast

import msgspec
import pytest

from lambent.clock import FakeClock
from lambent.sandbox.api import Assignment, SandboxFailure
from lambent.sandbox.budget import Budget
from lambent.sandbox.interpreters import Interpreter
from lambent.sandbox.kitchens import Kitchen
from lambent.sandbox.languages.dotnet import DotNet
from lambent.sandbox.languages.language import Installation
from lambent.sandbox.launch import Guest, Launch
from lambent.sandbox.options import GuestOptions, Limits, NodeOptions
from lambent.sandbox.sandbox import LiveSandbox
from lambent.sandbox.user_namespace import NO_STANDING
from lambent.sandbox.wire import Boot
from lambent.sandbox.zygotes import Zygote, ZygotePlace

PYTHON = Interpreter((3, 11, 0), "/usr/bin/python3.11", "/usr", "/usr/lib/python3.11")
NOWHERE = Path("/nowhere")
OPTIONS = NodeOptions(NOWHERE, NOWHERE, NOWHERE, 4566, NO_STANDING, 0, 0, Limits(64, 64), walls=False)


class FakeZygote:
    alive = True

    async def close(self) -> None:
        self.alive = False


class FakeSandbox:
    stopped = False

    async def stop(self) -> None:
        self.stopped = True


class FakeHands:
    """Makes zygotes at once, and a sandbox when it is told to."""

    def __init__(self) -> None:
        self.zygotes: list[FakeZygote] = []
        self.finish = asyncio.Event()
        self.made: list[FakeSandbox] = []

    async def start_zygote(self, _: ZygotePlace) -> Zygote:
        self.zygotes.append(FakeZygote())
        return cast(Zygote, self.zygotes[-1])

    async def spawn(self, _: Zygote, boot: Boot | None) -> LiveSandbox:
        await self.finish.wait()
        self.made.append(FakeSandbox())
        return cast(LiveSandbox, self.made[-1])


def kitchen(hands: FakeHands) -> Kitchen:
    return Kitchen(Launch(PYTHON), OPTIONS, Budget(0), hands, FakeClock())


async def test_a_sandbox_whose_taker_has_gone_is_finished_and_stopped() -> None:
    hands = FakeHands()
    taking = asyncio.create_task(kitchen(hands).make_alone())
    for _ in range(5):
        await asyncio.sleep(0)
    taking.cancel()
    await asyncio.sleep(0)
    hands.finish.set()
    with pytest.raises(asyncio.CancelledError):
        await taking
    assert [made.stopped for made in hands.made] == [True]


def assignment(handler: str = "app.handler", **variables: str) -> Assignment:
    return Assignment("any", "code", (), handler, "on-demand", variables, 128, 512)


def test_python_is_a_program_of_its_own_where_something_wraps_it_and_nowhere_else() -> None:
    python = kitchen(FakeHands())
    boot = python.late_boot(assignment(AWS_LAMBDA_EXEC_WRAPPER="/opt/wrapper"))
    assert boot is not None
    assert boot.command == ("/usr/bin/python3.11", "-B", "/nowhere/_lambent/bootstrap.py")
    assert python.late_boot(assignment(AWS_LAMBDA_EXEC_WRAPPER="")) is None
    assert python.late_boot(assignment(WRAPPER="/opt/wrapper")) is None
    assert python.own_programs(assignment(), "/var/task") is None


def test_a_program_of_a_package_has_the_knobs_of_its_language_and_an_interpreter() -> None:
    installation = Installation("dotnet8", (8, 0, 4), "/d/dotnet", "/d", arguments=("exec",))
    options = msgspec.structs.replace(OPTIONS, guests={"dotnet": GuestOptions(NOWHERE, {})}, walls=True)
    launch = Launch(PYTHON, guest=Guest(DotNet(), installation))
    dotnet = Kitchen(launch, options, Budget(0), FakeHands(), FakeClock())
    programs = dotnet.own_programs(assignment("Hello"), "/var/task")
    assert programs is not None
    assert programs.choices[0].command == ("/var/lang/dotnet", "exec", "/var/task/Hello.dll")
    assert programs.variables["DOTNET_ROOT"] == "/var/lang"
    assert programs.variables["DOTNET_GCHeapHardLimit"] == f"{128 * 1024 * 1024 * 4 // 5:x}"


async def test_no_zygote_comes_after_the_end() -> None:
    hands = FakeHands()
    closing = kitchen(hands)
    await closing.zygote()
    await closing.close()
    with pytest.raises(SandboxFailure, match="stops"):
        await closing.make(None)
    assert [zygote.alive for zygote in hands.zygotes] == [False]
