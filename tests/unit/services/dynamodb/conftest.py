"""DynamoDB on a database in memory, with a clock that stands still."""

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
from lambent.services.dynamodb.api import PACKAGE, DynamoService, open_dynamodb
from lambent.services.operation import RequestContext
from lambent.store.api import Database
from lambent.store.memory import open_memory
from lambent.store.sql import load_schema

ACCOUNT = "000000000000"
STREAMS = {"ListStreams", "DescribeStream", "GetShardIterator", "GetRecords"}


def context(account: str = ACCOUNT, region: str = "us-east-1") -> RequestContext:
    principal = Principal(account, f"arn:aws:iam::{account}:root", account)
    return RequestContext(principal, account, region, "request", "http://127.0.0.1:4566")


class Caller:
    """Calls operations as the gateway does; request and answer are held against botocore's model."""

    context = staticmethod(context)

    def __init__(self, service: DynamoService, clock: FakeClock) -> None:
        self.service, self.clock = service, clock
        session = botocore.session.get_session()
        self._models = [session.get_service_model(name) for name in ("dynamodb", "dynamodbstreams")]
        self._validator = ParamValidator()

    async def __call__(self, name: str, ctx: RequestContext | None = None, **request: Any) -> Any:
        of_streams = name in STREAMS
        shapes = self._models[of_streams].operation_model(name)
        report = self._validator.validate(request, shapes.input_shape)
        assert not report.has_errors(), report.generate_report()
        operations = self.service.stream_operations if of_streams else self.service.operations
        answer = await operations[name](ctx or context(), request)
        if shapes.output_shape is None:
            assert answer is None
        else:
            report = self._validator.validate(answer or {}, shapes.output_shape)
            # AWS too answers zeros where the model, which is also that of requests, wants one at least.
            wrong = [line for line in report.generate_report().splitlines() if "valid min value" not in line]
            assert not wrong
        return answer

    async def table(self, name: str = "table", *, sort: str = "", **more: Any) -> str:
        """A table with the partition key `id` (a string), and `sort=N` or another type a sort key `at`."""
        kinds = {"id": "S"} | ({"at": sort} if sort else {})
        keys = [{"AttributeName": "id", "KeyType": "HASH"}]
        if sort:
            keys.append({"AttributeName": "at", "KeyType": "RANGE"})
        kinds |= more.pop("kinds", {})
        definitions = [{"AttributeName": each, "AttributeType": kind} for each, kind in kinds.items()]
        defaults = {"BillingMode": "PAY_PER_REQUEST", "KeySchema": keys, "AttributeDefinitions": definitions}
        await self("CreateTable", TableName=name, **(defaults | more))
        return name

    async def put(self, item: dict[str, Any], table: str = "table", **more: Any) -> Any:
        return await self("PutItem", TableName=table, Item=item, **more)

    async def get(self, key: dict[str, Any], table: str = "table") -> Any:
        """The item, None when there is none."""
        return (await self("GetItem", TableName=table, Key=key)).get("Item")

    async def update(self, key: dict[str, Any], text: str, **more: Any) -> Any:
        """The item after an update; `more` may hold values by their names without the colon."""
        values = {f":{name}": value for name, value in more.items()}
        given: dict[str, Any] = {"ExpressionAttributeValues": values} if values else {}
        answer = await self(
            "UpdateItem", TableName="table", Key=key, UpdateExpression=text, ReturnValues="ALL_NEW", **given
        )
        return answer["Attributes"]

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
        service = await open_dynamodb(database, clock, FakeIds(), quotas or Quotas())
        return Caller(service, clock)

    return opened


@pytest.fixture
async def dynamodb(reopen: Callable[..., Awaitable[Caller]]) -> AsyncIterator[Caller]:
    caller = await reopen()
    yield caller
    await caller.service.close()
