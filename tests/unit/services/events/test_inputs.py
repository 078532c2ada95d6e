"""What targets get. Source: EventBridge User Guide, "Input transformation", "Predefined variables"."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.services.events.inputs import is_json, is_lines_of_json, payload_for
from lambent.services.events.json_path import MISSING, InvalidPath, parse_path, value_at
from lambent.services.events.model import BusKey, Event, Rule

RULE = Rule(BusKey("123456789012", "us-east-1"), "my-rule")
VALUE: dict[str, Any] = {
    "id": "i",
    "resources": ["a", "b"],
    "detail": {"name": 'Ada "L"', "n": 5, "ok": True, "none": None, "list": [{"k": 1}, {"k": 2}], "o": {"x": "y"}},
}
EVENT = Event(json.dumps(VALUE).encode(), VALUE, 1_700_000_000_123)
PATHS = {
    "name": "$.detail.name",
    "n": "$.detail.n",
    "ok": "$.detail.ok",
    "none": "$.detail.none",
    "list": "$.detail.list",
    "o": "$.detail.o",
    "gone": "$.detail.gone",
    "first": "$.resources[0]",
}


def rendered(template: str) -> str:
    transformer = {"InputPathsMap": PATHS, "InputTemplate": template}
    return payload_for({"Id": "1", "Arn": "a", "InputTransformer": transformer}, RULE, EVENT).decode()


@pytest.mark.parametrize(
    ("template", "made"),
    [
        ('"<first> has <n>"', '"a has 5"'),
        ('"hello <name>"', '"hello Ada \\"L\\""'),
        ('{"a": <n>, "b": <ok>, "c": <none>, "d": <name>}', '{"a": 5, "b": true, "c": null, "d": "Ada \\"L\\""}'),
        ('{"a": <list>, "b": <o>}', '{"a": [{"k":1},{"k":2}], "b": {"x":"y"}}'),
        ('"<o> and <list>"', '"{x:y} and [{k:1},{k:2}]"'),
        ('{"a": "<gone>", "b": <gone>}', '{"a": "", "b": ""}'),
        ('"said \\"<n>\\""', '"said \\"5\\""'),
        ('{"a\\"": <n>}', '{"a\\"": 5}'),
        ('"<aws.events.rule-name>: <aws.events.rule-arn>"', f'"my-rule: {RULE.arn}"'),
        ("<aws.events.event.ingestion-time>", '"2023-11-14T22:13:20.123Z"'),
        ("<n>", "5"),
    ],
)  # fmt: skip
def test_a_placeholder_becomes_json_or_text_by_where_it_stands(template: str, made: str) -> None:
    assert rendered(template) == made


def test_the_whole_event_comes_with_or_without_its_detail() -> None:
    assert json.loads(rendered("<aws.events.event.json>")) == VALUE
    assert json.loads(rendered('{"e": <aws.events.event>}')) == {"e": {"id": "i", "resources": ["a", "b"]}}


@settings(max_examples=80)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
        max_leaves=5,
    )
)
def test_whatever_is_put_in_outside_quotes_the_payload_stays_json(value: Any) -> None:
    event = Event(b"", {"detail": value}, 0)
    transformer = {"InputPathsMap": {"v": "$.detail"}, "InputTemplate": '{"v": <v>}'}
    made = payload_for({"Id": "1", "Arn": "a", "InputTransformer": transformer}, RULE, event)
    assert json.loads(made) == {"v": value}


@settings(max_examples=80)
@given(st.text(max_size=12))
def test_whatever_text_is_put_inside_quotes_the_payload_stays_json(value: str) -> None:
    transformer = {"InputPathsMap": {"v": "$.detail"}, "InputTemplate": '"<<v>>"'}
    made = payload_for({"Id": "1", "Arn": "a", "InputTransformer": transformer}, RULE, Event(b"", {"detail": value}, 0))
    assert json.loads(made) == f"<{value}>"


@pytest.mark.parametrize(
    ("template", "answer"), [('{"a": <x>}', True), ('"<x>"', True), ("<x> is", False), ('{"a": "<x>}', False)]
)
def test_a_template_has_to_make_json(template: str, answer: bool) -> None:
    assert is_json(template) is answer


def test_lines_of_strings_are_for_targets_that_are_no_functions() -> None:
    assert is_lines_of_json('"one <x>"\n"two"')
    assert not is_json('"one <x>"\n"two"')


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$", VALUE),
        ("$.detail.n", 5),
        ("$.detail.list[1].k", 2),
        ("$.detail.list[*].k", [1, 2]),
        ("$['detail']['n']", 5),
        ("$.resources[9]", MISSING),
        ("$.resources.x", MISSING),
        ("$.detail.o.*", ["y"]),
    ],
)
def test_a_path_leads_to_a_part(path: str, found: Any) -> None:
    assert value_at(VALUE, parse_path(path)) == found


@pytest.mark.parametrize("path", ["", "detail", "$.", "$..x", "$[", "$.a b", "$[-1]", "$.a[?(@.b)]"])
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(InvalidPath):
        parse_path(path)


@settings(max_examples=80)
@given(st.text("$.[]'*\"ab01?@", max_size=12))
def test_any_text_is_a_path_or_is_refused(text: str) -> None:
    try:
        value_at(VALUE, parse_path(text))
    except InvalidPath:
        return
    assert text.startswith("$")


def test_the_other_inputs_replace_the_event() -> None:
    assert payload_for({"Id": "1", "Arn": "a"}, RULE, EVENT) == EVENT.body
    assert payload_for({"Id": "1", "Arn": "a", "Input": "[1]"}, RULE, EVENT) == b"[1]"
    assert payload_for({"Id": "1", "Arn": "a", "InputPath": "$.detail.n"}, RULE, EVENT) == b"5"
    assert payload_for({"Id": "1", "Arn": "a", "InputPath": "$.gone"}, RULE, EVENT) == b"null"
