"""SQS on a database in memory, with a clock that stands still."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from lambent.clock import FakeClock
from lambent.config import Quotas
from lambent.errors import ServiceError
from lambent.ids import FakeIds
from lambent.model.principal import Principal
from lambent.services.operation import RequestContext
from lambent.services.sqs.api import PACKAGE, SqsService, open_sqs
from lambent.store.api import Database
from lambent.store.memory import open_memory
from lambent.store.sql import load_schema

ACCOUNT = "000000000000"
ENDPOINT = "http://127.0.0.1:4566"


def context(account: str = ACCOUNT, region: str = "us-east-1") -> RequestContext:
    principal = Principal(account, f"arn:aws:iam::{account}:root", account)
    return RequestContext(principal, account, region, "request", ENDPOINT)


class Caller:
    """Calls operations as the gateway does; request and answer are held against botocore's model."""

    def __init__(self, service: SqsService, clock: FakeClock) -> None:
        self.service, self.clock = service, clock
        self._model = botocore.session.get_session().get_service_model("sqs")
        self._validator = ParamValidator()

    async def __call__(self, name: str, ctx: RequestContext | None = None, **request: Any) -> Any:
        shapes = self._model.operation_model(name)
        report = self._validator.validate(request, shapes.input_shape)
        assert not report.has_errors(), report.generate_report()
        answer = await self.service.operations[name](ctx or context(), request)
        if shapes.output_shape is None:
            assert answer is None
        else:
            report = self._validator.validate(answer, shapes.output_shape)
            assert not report.has_errors(), report.generate_report()
        return answer

    async def queue(self, name: str = "q", **attributes: str) -> str:
        """A new queue's URL; its name ends with .fifo where it has to."""
        name = name if not attributes.get("FifoQueue") else f"{name}.fifo"
        url: str = (await self("CreateQueue", QueueName=name, Attributes=attributes))["QueueUrl"]
        return url

    async def send(self, url: str, body: str, **more: Any) -> Any:
        return await self("SendMessage", QueueUrl=url, MessageBody=body, **more)

    async def take(self, url: str, most: int = 10, **more: Any) -> list[Any]:
        """The messages that a receive gets, with all their attributes."""
        answer = await self(
            "ReceiveMessage",
            QueueUrl=url,
            MaxNumberOfMessages=most,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
            **more,
        )
        messages: list[Any] = answer.get("Messages", [])
        return messages

    async def bodies(self, url: str, most: int = 10, **more: Any) -> list[str]:
        return [message["Body"] for message in await self.take(url, most, **more)]

    async def delete(self, url: str, message: Any) -> None:
        await self("DeleteMessage", QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    async def attributes(self, url: str) -> dict[str, str]:
        answer = await self("GetQueueAttributes", QueueUrl=url, AttributeNames=["All"])
        found: dict[str, str] = answer["Attributes"]
        return found

    async def counts(self, url: str) -> tuple[int, int, int]:
        """Visible, in flight, delayed."""
        found, name = await self.attributes(url), "ApproximateNumberOfMessages"
        return int(found[name]), int(found[f"{name}NotVisible"]), int(found[f"{name}Delayed"])

    async def refusal(self, name: str, **request: Any) -> tuple[str, str]:
        """Code and words of the error that an operation answers."""
        with pytest.raises(ServiceError) as refused:
            await self(name, **request)
        return refused.value.code, refused.value.message


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(1_800_000_000.0)


@pytest.fixture
async def database() -> AsyncIterator[Database]:
    opened = await open_memory(load_schema(PACKAGE))
    yield opened
    await opened.close()


@pytest.fixture
def reopen(database: Database, clock: FakeClock) -> Callable[..., Awaitable[Caller]]:
    """The service anew on the same database, as after a restart."""

    async def opened(quotas: Quotas | None = None) -> Caller:
        service = await open_sqs(database, clock, FakeIds(), quotas or Quotas())
        return Caller(service, clock)

    return opened


@pytest.fixture
async def sqs(reopen: Callable[..., Awaitable[Caller]]) -> AsyncIterator[Caller]:
    caller = await reopen()
    yield caller
    await caller.service.close()


@pytest.fixture
def eventually(database: Database) -> Callable[[FakeClock, Callable[[], Awaitable[Any]], Any], Awaitable[None]]:
    """Let tasks run, without time passing, until an answer is as expected; each turn waits for the database."""

    async def wait(clock: FakeClock, ask: Callable[[], Awaitable[Any]], expected: Any) -> None:
        for _ in range(200):
            found = await ask()
            if found == expected:
                return
            await database.read(lambda tx: None)
            await clock.advance(0)
        assert found == expected

    return wait
