"""The example does what its docstring says; a streaming handler is tested like any generator."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).parents[3] / "examples" / "chat"


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("chat_app", FOLDER / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "PAUSE_S", 0)
    return module


def test_the_answer_is_one_event_a_word_and_one_that_says_it_is_done(app: ModuleType) -> None:
    head, *events = app.handler({"queryStringParameters": {"say": " good\n\nday "}}, None)
    assert head["headers"]["Content-Type"] == "text/event-stream"
    kinds = [event.split("\n")[1] for event in events]
    assert kinds == ["event: word"] * 4 + ["event: done"]
    text = "".join(json.loads(event.split("\n")[2].removeprefix("data: ")) for event in events)
    assert text == "You said: good\n\nday"


@pytest.mark.parametrize(
    "event", [{}, {"queryStringParameters": {"say": " "}}, {"queryStringParameters": {"say": "x" * 2001}}]
)
def test_who_says_nothing_or_too_much_is_told_so(app: ModuleType, event: dict[str, object]) -> None:
    head, body = app.handler(event, None)
    assert head["statusCode"] == 400
    assert "message" in json.loads(body)
