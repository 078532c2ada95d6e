"""The example does what its docstring says."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

FOLDER = Path(__file__).parents[3] / "examples" / "large_orders"


class Topics:
    """As much of SNS as the example uses."""

    def __init__(self) -> None:
        self.published: list[dict[str, Any]] = []

    def publish(self, **message: Any) -> None:
        self.published.append(message)


@pytest.fixture
def topics() -> Topics:
    return Topics()


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch, topics: Topics) -> ModuleType:
    spec = importlib.util.spec_from_file_location("large_orders_app", FOLDER / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "alerts", lambda: (topics, "arn:alerts"))
    monkeypatch.delenv("LIMIT", raising=False)
    return module


def event(*messages: str) -> dict[str, Any]:
    return {"Records": [{"Sns": {"Message": message}} for message in messages]}


def test_a_large_order_makes_an_alert_and_a_small_one_none(app: ModuleType, topics: Topics) -> None:
    app.handler(event('{"id": "a", "total": "99.99"}', '{"id": "b", "total": "100.00"}'), None)
    (alert,) = topics.published
    assert (alert["TopicArn"], alert["Subject"]) == ("arn:alerts", "Large order b")
    assert json.loads(alert["Message"]) == {"id": "b", "total": "100.00"}
    assert alert["MessageAttributes"] == {"total": {"DataType": "Number", "StringValue": "100.00"}}


@pytest.mark.parametrize("message", ["", "[]", "{}", '{"id": "a"}', '{"id": "a", "total": "much"}', '{"total": 200}'])
def test_what_is_no_order_is_skipped_and_stops_no_other(
    app: ModuleType, topics: Topics, capsys: pytest.CaptureFixture[str], message: str
) -> None:
    app.handler(event(message, '{"id": "b", "total": 100}'), None)
    assert len(topics.published) == 1
    assert json.loads(capsys.readouterr().out.splitlines()[0])["skipped"] == message
