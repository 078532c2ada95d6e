"""A zygote with what is forked from it: nothing is lost of what it makes, and nothing comes after its end."""

import asyncio
from pathlib import Path
from typing import cast

import pytest

from lambent.clock import FakeClock
from lambent.sandbox.api import SandboxFailure
from lambent.sandbox.budget import Budget
from lambent.sandbox.interpreters import Interpreter
from lambent.sandbox.kitchens import Kitchen
from lambent.sandbox.launch import Launch
from lambent.sandbox.options import Limits, NodeOptions
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


async def test_no_zygote_comes_after_the_end() -> None:
    hands = FakeHands()
    closing = kitchen(hands)
    await closing.zygote()
    await closing.close()
    with pytest.raises(SandboxFailure, match="stops"):
        await closing.make(None)
    assert [zygote.alive for zygote in hands.zygotes] == [False]
