"""The example does what its docstring says."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

FOLDER = Path(__file__).parents[3] / "examples" / "order_queue"


@pytest.fixture(scope="module")
def app() -> ModuleType:
    spec = importlib.util.spec_from_file_location("order_queue_app", FOLDER / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def failed(app: ModuleType, *bodies: str) -> list[str]:
    """The bodies that the function did not book."""
    records = [{"messageId": str(number), "body": body} for number, body in enumerate(bodies)]
    answer: dict[str, Any] = app.handler({"Records": records}, None)
    return [bodies[int(item["itemIdentifier"])] for item in answer["batchItemFailures"]]


def test_an_order_is_booked_with_its_total(app: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    items = [{"sku": "tea", "quantity": 2, "price": "3.50"}, {"sku": "cup", "quantity": 1, "price": "0.10"}]
    assert failed(app, json.dumps({"id": "o-1", "items": items})) == []
    assert json.loads(capsys.readouterr().out) == {"booked": "o-1", "total": "7.10"}


def test_only_what_cannot_be_booked_comes_again(app: ModuleType) -> None:
    good = json.dumps({"id": "o-2", "items": [{"sku": "tea", "quantity": 1, "price": "3.50"}]})
    wrong = [
        "not json",
        "[]",
        json.dumps({"id": "o-3", "items": []}),
        json.dumps({"id": "o-4", "items": [{"sku": "tea", "quantity": 0, "price": "3.50"}]}),
        json.dumps({"id": "o-5", "items": [{"sku": "tea", "quantity": 1, "price": "much"}]}),
        json.dumps({"items": [{"sku": "tea", "quantity": 1, "price": "3.50"}]}),
    ]
    assert failed(app, good, *wrong, good) == wrong
