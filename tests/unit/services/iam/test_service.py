"""IAM as a whole, held against botocore's model."""

import inspect
from pathlib import Path
from typing import Any

import botocore.session

from lambent.clock import FakeClock
from lambent.errors import ServiceError
from lambent.ids import SystemIds
from lambent.model.principal import Principal
from lambent.services.iam import errors
from lambent.services.iam.keys import Keys, KeySettings
from lambent.services.iam.service import iam_operations
from lambent.services.iam.store import IamStore
from lambent.services.operation import RequestContext
from lambent.store.sql import load_schema
from lambent.store.sqlite import open_sqlite
from lambent.vault import Vault

WHO = Principal("123456789012", "arn:aws:iam::123456789012:root", "123456789012")


def test_every_error_is_one_of_the_models_with_its_status() -> None:
    model = botocore.session.get_session().get_service_model("iam")
    mine = [each for _, each in inspect.getmembers(errors, inspect.isclass) if each.__module__ == errors.__name__]
    assert mine
    for error in mine:
        assert issubclass(error, ServiceError)
        assert model.shape_for(error.code).metadata["error"]["httpStatusCode"] == error.status


def test_every_operation_is_one_of_the_models(store: Any, vault: Vault, doors: Any) -> None:
    model = botocore.session.get_session().get_service_model("iam")
    operations = iam_operations(store, vault, FakeClock(), SystemIds(), doors)
    assert set(operations) <= set(model.operation_names)


async def test_what_was_answered_is_there_after_a_restart(tmp_path: Path, vault: Vault, doors: Any) -> None:
    schema, context = load_schema("lambent.services.iam"), RequestContext(WHO, WHO.account, "us-east-1", "id")
    database = await open_sqlite(tmp_path / "iam.sqlite", schema)
    operations = iam_operations(IamStore(database), vault, FakeClock(), SystemIds(), doors)
    await operations["CreateUser"](context, {"UserName": "ann"})
    key = await operations["CreateAccessKey"](context, {"UserName": "ann"})
    assert key is not None
    await database.close()
    database = await open_sqlite(tmp_path / "iam.sqlite", schema)
    keys = Keys(IamStore(database), vault, FakeClock(), SystemIds(), KeySettings(tmp_path / "root"))
    found = await keys.lookup(key["AccessKey"]["AccessKeyId"])
    await database.close()
    assert found is not None
    assert found.secret == key["AccessKey"]["SecretAccessKey"]
