"""The example counts each change once, however often its batch comes, and tells a page of what has changed."""

import importlib.util
import json
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

FOLDER = Path(__file__).parents[3] / "examples" / "live_dashboard"


class Table:
    """The one item of the totals."""

    def __init__(self) -> None:
        self.item: dict[str, Any] = {}

    def get_item(self, **_: Any) -> dict[str, Any]:
        return {"Item": self.item} if self.item else {}

    def put_item(self, Item: dict[str, Any], ConditionExpression: Any) -> None:
        self.item = Item


class Context:
    """Time for so many looks."""

    def __init__(self, looks: int) -> None:
        self._looks = looks

    def get_remaining_time_in_millis(self) -> int:
        self._looks -= 1
        return 60_000 if self._looks >= 0 else 0


@pytest.fixture
def table() -> Table:
    return Table()


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch, table: Table) -> ModuleType:
    spec = importlib.util.spec_from_file_location("dashboard_app", FOLDER / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "LOOK_EVERY_S", 0)
    monkeypatch.setattr(module, "totals_table", lambda: table)
    return module


def image(state: str, price: int) -> dict[str, Any]:
    return {"id": {"S": "o"}, "state": {"S": state}, "price": {"N": str(price)}}


def batch(*changes: tuple[int, dict[str, Any]]) -> dict[str, Any]:
    return {"Records": [{"dynamodb": {"SequenceNumber": f"{number:021d}"} | images} for number, images in changes]}


def test_changes_move_orders_from_state_to_state_and_a_batch_that_comes_again_counts_once(
    app: ModuleType, table: Table
) -> None:
    first = (1, {"NewImage": image("open", 5)})
    second = (2, {"NewImage": image("open", 7)})
    third = (3, {"OldImage": image("open", 5), "NewImage": image("paid", 5)})
    app.collect(batch(first, second), None)
    assert table.item["states"] == {"open": {"orders": 2, "worth": Decimal(12)}}
    app.collect(batch(first, second), None)
    app.collect(batch(second, third), None)
    assert table.item["states"] == {
        "open": {"orders": 1, "worth": Decimal(7)},
        "paid": {"orders": 1, "worth": Decimal(5)},
    }
    app.collect(batch((4, {"OldImage": image("open", 7)})), None)
    assert list(table.item["states"]) == ["paid"]


def test_the_page_and_its_events(app: ModuleType, table: Table) -> None:
    head, page = app.board({"rawPath": "/"}, None)
    assert head["headers"]["Content-Type"].startswith("text/html")
    assert 'new EventSource("events")' in page
    table.item = {"states": {"open": {"orders": Decimal(1), "worth": Decimal("2.5")}}}
    head, _, *events = app.board({"rawPath": "/events"}, Context(3))
    assert head["headers"]["Content-Type"] == "text/event-stream"
    assert [json.loads(each.removeprefix("data: ")) for each in events] == [{"open": {"orders": 1, "worth": 2.5}}]
