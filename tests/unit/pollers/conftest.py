"""Pollers over the real queues and streams, on databases in memory, with a clock that stands still and a function that
is told what to answer."""

import asyncio
import itertools
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import msgspec
import pytest

from lambent.clock import FakeClock
from lambent.config import Quotas
from lambent.delivery.api import Delivery
from lambent.ids import FakeIds
from lambent.model.function import FunctionKey
from lambent.model.invocation import Invocation, InvocationResult
from lambent.model.meter import Dimensions
from lambent.model.principal import Principal
from lambent.pollers.api import PACKAGE as CHECKPOINTS
from lambent.pollers.api import Links, Mapping, StreamSettings
from lambent.pollers.pollers import Pollers
from lambent.roles.queue_source import QueueSource
from lambent.roles.stream_source import StreamSource
from lambent.services.dynamodb.api import PACKAGE as TABLES
from lambent.services.dynamodb.api import open_dynamodb
from lambent.services.operation import RequestContext
from lambent.services.sqs.api import PACKAGE, open_sqs
from lambent.services.sqs.public import Delivery as Sent
from lambent.store.memory import open_memory
from lambent.store.sql import load_schema

ACCOUNT, REGION = "000000000000", "us-east-1"
FUNCTION = FunctionKey(ACCOUNT, REGION, "f")
Answer = Callable[[Invocation], InvocationResult]


def ok(payload: Any = None, function_error: str = "") -> InvocationResult:
    return InvocationResult("$LATEST", json.dumps(payload).encode(), function_error)


def _name(record: dict[str, Any]) -> str:
    """A message's body; an item's key and the number that it has."""
    if "body" in record:
        return str(record["body"])
    change = record["dynamodb"]
    number = change.get("NewImage", {}).get("n", {"N": "-"})["N"]
    return f"{change['Keys']['id']['S']}{number}"


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
        self.seen.append([_name(record) for record in json.loads(invocation.payload)["Records"]])
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
        self.outbox: list[Delivery] = []
        self.table_names = itertools.count()
        self._principal = Principal(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT)

    async def open(self) -> "House":
        self.database = await open_memory(load_schema(PACKAGE))
        self.sqs = await open_sqs(self.database, self.clock, FakeIds(), Quotas())
        self.tables = await open_memory(load_schema(TABLES))
        self.dynamodb = await open_dynamodb(self.tables, self.clock, FakeIds(), Quotas())
        self.checkpoints = await open_memory(load_schema(CHECKPOINTS))
        self.begin()
        return self

    def begin(self) -> None:
        """New pollers on what there is, as after a restart."""
        queues, streams = QueueSource(self.sqs.queues), StreamSource(self.dynamodb.streams)
        links = Links(queues, streams, self.function, self, self.checkpoints, self)
        self.pollers = Pollers(links, self.clock, FakeIds(), 6_291_456)
        self.pollers.registry = self

    async def put(self, deliveries: Sequence[Delivery]) -> None:
        """The road of deliveries."""
        self.outbox += deliveries

    async def role(self, mapping: Mapping) -> str:
        return "arn:aws:iam::000000000000:role/of-" + mapping.function.name

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
        await self.dynamodb.close()
        for database in (self.database, self.tables, self.checkpoints):
            await database.close()

    def measure(
        self, place: tuple[str, str], namespace: str, values: dict[str, float], dimensions: Dimensions, unit: str
    ) -> None:
        assert (place, namespace) == ((ACCOUNT, REGION), "AWS/Lambda")
        assert unit == ("Milliseconds" if "IteratorAge" in values else "Count")
        for name, value in values.items():
            self.measured[name, dimensions] += int(value)

    async def ended(self, mapping: Mapping, problem: str) -> None:
        self.ended_.append((mapping.uuid, problem))

    async def turn(self) -> None:
        """Let tasks run, the database's included, without time passing."""
        for database in (self.database, self.tables, self.checkpoints):
            await database.read(lambda tx: None)
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
            await self.sqs.queues.send(arn, Sent(body, group=group, trace_header=trace_header))

    async def map(self, arn: str, uuid: str = "m", **more: Any) -> Mapping:
        mapping = msgspec.structs.replace(Mapping(uuid, arn, FUNCTION), **more)
        await self.pollers.apply(mapping)
        return mapping

    async def table(self) -> tuple[str, str]:
        """A new table with a stream: its name, and the stream's ARN."""
        name = f"table-{next(self.table_names)}"
        made = await self.dynamodb_call(
            "CreateTable",
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )
        return name, made["TableDescription"]["LatestStreamArn"]

    async def dynamodb_call(self, operation: str, **request: Any) -> dict[str, Any]:
        context = RequestContext(self._principal, ACCOUNT, REGION, "request", "http://here")
        return await self.dynamodb.operations[operation](context, request) or {}

    async def write(self, table: str, *items: tuple[str, int], **more: Any) -> None:
        """Items with a number each."""
        for key, number in items:
            item = {"id": {"S": key}, "n": {"N": str(number)}} | more
            await self.dynamodb_call("PutItem", TableName=table, Item=item)

    async def follow(self, stream: str, uuid: str = "m", batch_size: int = 100, **settings: Any) -> Mapping:
        """A mapping of a stream, from its beginning unless told otherwise."""
        ours = {name: settings.pop(name) for name in list(settings) if name in Mapping.__struct_fields__}
        stream_settings = StreamSettings(**({"starting_position": "TRIM_HORIZON"} | settings))
        return await self.map(stream, uuid, batch_size=batch_size, stream=stream_settings, **ours)

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
