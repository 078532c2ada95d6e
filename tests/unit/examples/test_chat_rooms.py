"""The example does what its docstring says."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

FOLDER = Path(__file__).parents[3] / "examples" / "chat_rooms"


class Gone(Exception):
    """The connection is no more."""


class Members:
    """As much of a table as the example uses; a scan gives the room that was asked for last."""

    def __init__(self) -> None:
        self.items: dict[str, dict[str, str]] = {}

    def put_item(self, Item: dict[str, str]) -> None:
        self.items[Item["id"]] = Item

    def get_item(self, Key: dict[str, str], **_: Any) -> dict[str, Any]:
        found = self.items.get(Key["id"])
        return {"Item": found} if found else {}

    def delete_item(self, Key: dict[str, str]) -> None:
        self.items.pop(Key["id"], None)

    def scan(self, FilterExpression: Any, **_: Any) -> dict[str, Any]:
        room = FilterExpression.get_expression()["values"][1]
        return {"Items": [item for item in list(self.items.values()) if item["room"] == room]}


class Clients:
    """Hears what is posted."""

    exceptions = SimpleNamespace(GoneException=Gone)

    def __init__(self) -> None:
        self.heard: list[tuple[str, Any]] = []
        self.gone: set[str] = set()

    def post_to_connection(self, ConnectionId: str, Data: bytes) -> None:
        if ConnectionId in self.gone:
            raise Gone
        self.heard.append((ConnectionId, json.loads(Data)))


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("chat_rooms_app", FOLDER / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    members, way = Members(), Clients()
    monkeypatch.setattr(module, "table", lambda: members)
    monkeypatch.setattr(module, "clients", lambda *_: way)
    return module


def send(app: ModuleType, connection_id: str, route: str, **message: str) -> None:
    about = {"routeKey": route, "connectionId": connection_id, "apiId": "a", "stage": "prod"}
    assert app.handler({"requestContext": about, "body": json.dumps(message)}, None) == {"statusCode": 200}


def test_a_room_hears_what_its_members_say_and_others_do_not(app: ModuleType) -> None:
    send(app, "c1", "$connect")
    send(app, "c1", "join", room="lobby", name="Ada")
    send(app, "c2", "join", room="kitchen", name="Bob")
    app.clients().heard.clear()
    send(app, "c1", "say", text="hello")
    send(app, "c3", "say", text="who is there?")
    assert app.clients().heard == [("c1", {"from": "Ada", "text": "hello"})]


def test_who_is_gone_is_taken_out(app: ModuleType) -> None:
    for connection_id in ("c1", "c2", "c3"):
        send(app, connection_id, "join", room="lobby", name=connection_id)
    app.clients().gone.add("c2")
    send(app, "c3", "$disconnect")
    send(app, "c1", "say", text="hello")
    assert set(app.table().items) == {"c1"}
