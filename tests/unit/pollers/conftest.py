"""Pollers over the real queues, on a database in memory, with a clock that stands still and a function that is told
what to answer."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest

from lambent.clock import FakeClock
from lambent.config import Quotas
from lambent.ids import FakeIds
from lambent.model.function import FunctionKey
from lambent.model.invocation import Invocation, InvocationResult
from lambent.model.meter import Dimensions
from lambent.model.principal import Principal
from lambent.pollers.api import Links, Mapping
from lambent.pollers.pollers import Pollers
from lambent.roles.queue_source import QueueSource
from lambent.services.operation import RequestContext
from lambent.services.sqs.api import PACKAGE, open_sqs
from lambent.services.sqs.public import Delivery
from lambent.store.memory import open_memory
from lambent.store.sql import load_schema

ACCOUNT, REGION = "000000000000", "us-east-1"
FUNCTION = FunctionKey(ACCOUNT, REGION, "f")
Answer = Callable[[Invocation], InvocationResult]


def ok(payload: Any = None, function_error: str = "") -> InvocationResult:
    return InvocationResult("$LATEST", json.dumps(payload).encode(), function_error)


class Function:
    """Answers with what `answer` gives or raises; while `held`, nobody is answered."""

    def __init__(self) -> None:
        self.answer: Answer = lambda _: ok()
        self.seen: list[list[str]] = []
        self.events: list[Invocation] = []
        self.held = False
        self.running = self.most = 0
        self._gates: list[asyncio.Future[None]] = []

    async def invoke(self, invocation: Invocation) -> InvocationResult:
        self.events.append(invocation)
        self.seen.append([record["body"] for record in json.loads(invocation.payload)["Records"]])
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            if self.held:
                gate: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                self._gates.append(gate)
                await gate
            return self.answer(invocation)
        finally:
            self.running -= 1

    def let_go(self, count: int = 1_000_000) -> None:
        """The oldest invocations end."""
        gates, self._gates = self._gates[:count], self._gates[count:]
        for gate in gates:
            if not gate.done():
                gate.set_result(None)

    @property
    def bodies(self) -> list[str]:
        return [body for batch in self.seen for body in batch]


class House:
    """Queues, pollers and a function. Implements the registry and the meter, too."""

    def __init__(self) -> None:
        self.clock, self.function = FakeClock(1_800_000_000.0), Function()
        self.function_key = FUNCTION
        self.measured: Counter[tuple[str, Dimensions]] = Counter()
        self.ended_: list[tuple[str, str]] = []
        self._principal = Principal(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT)

    async def open(self) -> "House":
        self.database = await open_memory(load_schema(PACKAGE))
        self.sqs = await open_sqs(self.database, self.clock, FakeIds(), Quotas())
        links = Links(QueueSource(self.sqs.queues), self.function, self)
        self.pollers = Pollers(links, self.clock, FakeIds(), 6_291_456)
        self.pollers.registry = self
        return self

    async def close(self) -> None:
        self.function.let_go()
        closing = asyncio.create_task(self.pollers.close())
        for _ in range(20):
            await self.turn()
            self.function.let_go()
            if closing.done():
                break
            await self.clock.advance(1.0)
        await closing
        await self.sqs.close()
        await self.database.close()

    def measure(
        self, place: tuple[str, str], namespace: str, values: dict[str, float], dimensions: Dimensions, unit: str
    ) -> None:
        assert (place, namespace, unit) == ((ACCOUNT, REGION), "AWS/Lambda", "Count")
        for name, value in values.items():
            self.measured[name, dimensions] += int(value)

    async def ended(self, mapping: Mapping, problem: str) -> None:
        self.ended_.append((mapping.uuid, problem))

    async def turn(self) -> None:
        """Let tasks run, the database's included, without time passing."""
        await self.database.read(lambda tx: None)
        await self.clock.advance(0)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Let tasks run until it is so."""
        for _ in range(1000):
            if condition():
                return
            await self.turn()
        raise AssertionError("never so")

    async def rest(self) -> None:
        """Let tasks run until nothing changes any more."""
        for _ in range(30):
            await self.turn()

    async def pass_s(self, seconds: float, step_s: float = 1.0) -> None:
        """Time goes by, and what follows from it happens in between."""
        while seconds > 0:
            await self.clock.advance(min(step_s, seconds))
            seconds -= step_s
            for _ in range(6):
                await self.turn()

    async def queue(self, name: str = "q", **attributes: str) -> str:
        """A new queue's ARN."""
        context = RequestContext(self._principal, ACCOUNT, REGION, "request", "http://here")
        await self.sqs.operations["CreateQueue"](context, {"QueueName": name, "Attributes": attributes})
        return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"

    async def fifo(self) -> str:
        return await self.queue("q.fifo", FifoQueue="true", ContentBasedDeduplication="true")

    async def send(self, arn: str, *bodies: str, group: str | None = None, trace_header: str = "") -> None:
        for body in bodies:
            await self.sqs.queues.send(arn, Delivery(body, group=group, trace_header=trace_header))

    async def map(self, arn: str, uuid: str = "m", **more: Any) -> Mapping:
        mapping = msgspec.structs.replace(Mapping(uuid, arn, FUNCTION), **more)
        await self.pollers.apply(mapping)
        return mapping

    def counts(self, arn: str) -> tuple[int, int]:
        """Visible, and in flight."""
        found = self.sqs.queues.counts(arn)
        return found.visible, found.in_flight

    def statistics(self, uuid: str = "m") -> Any:
        return self.pollers.statistics()[uuid]


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = await House().open()
    yield house
    await house.close()
