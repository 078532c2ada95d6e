"""IAM on an in-memory database, and a way to call its operations by name."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from lambent.clock import FakeClock
from lambent.ids import SystemIds
from lambent.model.principal import Principal
from lambent.services.iam.keys import Keys, KeySettings
from lambent.services.iam.service import iam_operations
from lambent.services.iam.store import IamStore
from lambent.services.operation import RequestContext
from lambent.store.sql import load_schema
from lambent.store.sqlite import open_memory
from lambent.vault import Vault

ACCOUNT = "123456789012"
ROOT = Principal(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT)
Call = Callable[..., Awaitable[dict[str, Any]]]


class WatchedDoors:
    """Remembers which keys the edges were told to forget."""

    def __init__(self) -> None:
        self.told: list[list[str]] = []

    async def forget_access_keys(self, access_key_ids: list[str]) -> None:
        self.told.append(access_key_ids)


def assert_fits(answer: Any, shape: Any) -> None:
    """`answer` has only members that botocore's model has, and all that it requires, all the way down."""
    if shape.type_name == "structure":
        assert set(answer) <= set(shape.members), shape.name
        assert set(shape.required_members) <= set(answer), shape.name
        for name, value in answer.items():
            assert_fits(value, shape.members[name])
    elif shape.type_name == "list":
        for value in answer:
            assert_fits(value, shape.member)
    else:
        kinds = {"string": str, "integer": int, "boolean": bool, "timestamp": datetime, "map": dict}
        assert isinstance(answer, kinds[shape.type_name]), shape.name


@pytest.fixture
async def store() -> AsyncIterator[IamStore]:
    database = await open_memory(load_schema("lambent.services.iam"))
    yield IamStore(database)
    await database.close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def vault() -> Vault:
    return Vault(bytes(range(32)))


@pytest.fixture
def doors() -> WatchedDoors:
    return WatchedDoors()


@pytest.fixture
def iam(store: IamStore, clock: FakeClock, vault: Vault, doors: WatchedDoors) -> Call:
    """`await iam("CreateUser", UserName="ann")`, as the root unless `by` says who."""
    operations = iam_operations(store, vault, clock, SystemIds(), doors)
    model = botocore.session.get_session().get_service_model("iam")

    async def call(name: str, by: Principal = ROOT, **request: Any) -> dict[str, Any]:
        context = RequestContext(by, by.account, "us-east-1", "request")
        answer = await operations[name](context, request) or {}
        shape = model.operation_model(name).output_shape
        if shape is not None:
            assert_fits(answer, shape)
        else:
            assert answer == {}
        return answer

    return call


@pytest.fixture
def keys(store: IamStore, clock: FakeClock, vault: Vault, tmp_path: Path) -> Keys:
    settings = KeySettings(tmp_path / "root-key.json", account=ACCOUNT)
    return Keys(store, vault, clock, SystemIds(), settings)
