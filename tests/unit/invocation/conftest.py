"""A data plane with everything around it in memory."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from lambent.clock import FakeClock
from lambent.environment.api import Outcome
from lambent.environment.fake import READY, Answer, FakeEnvironment
from lambent.invocation.api import Limits
from lambent.invocation.fakes import FakeHouse
from lambent.model.function import FunctionKey, FunctionSnapshot
from lambent.model.invocation import Invocation, InvocationResult
from lambent.model.messages import LeaseRequest

KEY = FunctionKey("000000000000", "us-east-1", "f")


def snapshot_of(key: FunctionKey = KEY, environment_key: str = "k1", **changes: Any) -> FunctionSnapshot:
    fields: dict[str, Any] = {
        "key": key,
        "version": "$LATEST",
        "invoked_arn": f"arn:aws:lambda:us-east-1:000000000000:function:{key.name}",
        "environment_key": environment_key,
        "runtime": "python3.12",
        "handler": "app.handler",
        "timeout_s": 3,
        "memory_mb": 128,
        "ephemeral_mb": 512,
        "role": "",
        "log_group": f"/aws/lambda/{key.name}",
        "revision_id": "r",
    }
    return FunctionSnapshot(**{**fields, **changes})


class Gate:
    """An answer that a test lets out."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self.opened = asyncio.Event()

    async def __call__(self, invocation: Invocation) -> Outcome:
        await self.opened.wait()
        return self.outcome

    def open(self) -> None:
        self.opened.set()


class Lab(FakeHouse):
    """A house of fake environments. `inits` and `answers` are used up by environments in turn."""

    def __init__(self, limits: Limits | None = None, limit: int = 1_000) -> None:
        self.fake_clock = FakeClock()
        self.inits: list[Outcome | None] = []
        self.answers: list[list[Answer]] = []
        self.default_init: Outcome | None = READY
        self.environments: dict[str, FakeEnvironment] = {}
        self.invocations = 0
        super().__init__(self.fake_clock, self.make_one, limit=limit, limits=limits or Limits())
        self.functions[KEY, ""] = snapshot_of()

    def make_one(self, name: str, request: LeaseRequest) -> FakeEnvironment:
        environment = FakeEnvironment(
            name,
            request.environment_key,
            self.fake_clock,
            init=self.inits.pop(0) if self.inits else self.default_init,
            answers=self.answers.pop(0) if self.answers else (),
            peak_memory_bytes=30 * 1024 * 1024 + 1,
        )
        self.environments[name] = environment
        return environment

    def invocation(self, payload: bytes = b"{}", key: FunctionKey = KEY, **fields: Any) -> Invocation:
        self.invocations += 1
        return Invocation(f"id-{self.invocations}", key, fields.pop("qualifier", ""), payload, **fields)

    snapshot_of = staticmethod(snapshot_of)
    gate = staticmethod(Gate)

    async def settle(self) -> None:
        for _ in range(30):
            await asyncio.sleep(0)

    def open_all(self, gates: list[Gate]) -> None:
        for gate in gates:
            gate.open()

    async def invoke(self, payload: bytes = b"{}", **fields: Any) -> InvocationResult:
        return await self.data_plane.invoke(self.invocation(payload, **fields))

    def begin(self, payload: bytes = b"{}", **fields: Any) -> asyncio.Task[InvocationResult]:
        return asyncio.ensure_future(self.invoke(payload, **fields))


@pytest.fixture
async def lab() -> AsyncIterator[Lab]:
    lab = Lab()
    yield lab
    await lab.data_plane.close()


@pytest.fixture
async def labs() -> AsyncIterator[Callable[..., Lab]]:
    """Labs with other limits."""
    made: list[Lab] = []

    def make(**options: Any) -> Lab:
        made.append(Lab(**options))
        return made[-1]

    yield make
    for lab in made:
        await lab.data_plane.close()
