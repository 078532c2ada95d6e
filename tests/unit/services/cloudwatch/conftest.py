"""CloudWatch on a database of its own, with a clock that only tests move."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from lambent.clock import FakeClock
from lambent.model.principal import Principal
from lambent.services.cloudwatch.api import PACKAGE, CloudWatchService
from lambent.services.operation import RequestContext
from lambent.store.api import Database
from lambent.store.sql import load_schema
from lambent.store.sqlite import open_sqlite

Ask = Callable[..., Awaitable[dict[str, Any]]]


async def nothing() -> None:
    """There is no journal here."""


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await open_sqlite(tmp_path / "cloudwatch.db", load_schema(PACKAGE))
    yield opened
    await opened.close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(1_700_000_040.0)  # the start of a minute


@pytest.fixture
def service(database: Database, clock: FakeClock) -> CloudWatchService:
    return CloudWatchService(database, clock, nothing, (0.125, 15.0, 63.0, 455.0))


@pytest.fixture
def ask(service: CloudWatchService) -> Ask:
    """Call an operation: `await ask("ListMetrics", Namespace="x")`."""

    async def call(name: str, account: str = "000000000000", **request: Any) -> dict[str, Any]:
        ctx = RequestContext(Principal(account, "", ""), account, "us-east-1", "r")
        return await service.operations[name](ctx, request) or {}

    return call
