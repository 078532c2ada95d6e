"""A CloudWatch Logs service on a database in memory, with a clock that stands still."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from lambent.clock import FakeClock
from lambent.model.principal import Principal
from lambent.services.logs.api import PACKAGE, LogsService
from lambent.services.operation import RequestContext
from lambent.store.api import Database
from lambent.store.memory import open_memory
from lambent.store.sql import load_schema

Call = Callable[..., Awaitable[Any]]


def context(account: str = "000000000000", region: str = "us-east-1") -> RequestContext:
    return RequestContext(Principal(account, f"arn:aws:iam::{account}:root", account), account, region, "request")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(1_800_000_000.0)


@pytest.fixture
async def database() -> AsyncIterator[Database]:
    opened = await open_memory(load_schema(PACKAGE))
    yield opened
    await opened.close()


@pytest.fixture
def service(database: Database, clock: FakeClock) -> LogsService:
    async def nothing_new() -> None:
        return None

    return LogsService(database, clock, nothing_new)


@pytest.fixture
def call(service: LogsService) -> Call:
    """Call an operation: `await call("CreateLogGroup", logGroupName="g")`, elsewhere with `ctx=`.

    Request and answer are held against botocore's model: no member that it lacks, none of a wrong type.
    """
    model = botocore.session.get_session().get_service_model("logs")
    validator = ParamValidator()

    async def invoke(name: str, ctx: RequestContext | None = None, **request: Any) -> Any:
        shapes = model.operation_model(name)
        assert not validator.validate(request, shapes.input_shape).has_errors()
        answer = await service.operations[name](ctx or context(), request)
        if shapes.output_shape is None:
            assert answer is None
        else:
            report = validator.validate(answer, shapes.output_shape)
            assert not report.has_errors(), report.generate_report()
        return answer

    return invoke
