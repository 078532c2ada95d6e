"""Documents as plain values. Source: OpenAPI Specification 3.0.3, "Format" and "Reference Object"; RFC 6901."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.openapi.document import MOST_EVENTS, BadDocument, read, resolved, version_of
from lambent.openapi.operations import base_path, based, operations

YAML = """
openapi: 3.0.1
info: {title: Pets, version: 2020-01-01}
servers: [{url: "https://x.example/{stage}/v1/", variables: {stage: {default: prod}}}]
paths:
  /pets/{id}:
    parameters: []
    get: {operationId: read, responses: {200: {description: fine}}}
    x-amazon-apigateway-any-method: {}
  x-own: 1
"""


def test_yaml_is_read_as_the_json_that_it_stands_for() -> None:
    document = read(YAML)
    assert document["info"]["version"] == "2020-01-01"  # and not a date
    assert list(document["paths"]["/pets/{id}"]["get"]["responses"]) == ["200"]
    assert read(json.dumps(document)) == document
    assert [(each.method, each.path) for each in operations(document)] == [("GET", "/pets/{id}"), ("ANY", "/pets/{id}")]


def test_the_base_path_goes_where_the_import_asks() -> None:
    base = base_path(read(YAML))
    assert base == "/prod/v1"
    assert [based("/pets", base, how) for how in ("ignore", "prepend", "split")] == [
        "/pets",
        "/prod/v1/pets",
        "/v1/pets",
    ]
    assert base_path({"swagger": "2.0", "basePath": "/a/"}) == "/a"


def test_references_lead_into_the_document_only() -> None:
    document = {"a": {"$ref": "#/b~1c"}, "b/c": {"x": 1}, "loop": {"$ref": "#/loop"}}
    assert resolved(document, document["a"]) == {"x": 1}
    for bad in ({"$ref": "#/loop"}, {"$ref": "#/nowhere"}, {"$ref": "https://x.example/"}, {"$ref": 7}):
        with pytest.raises(BadDocument):
            resolved(document, bad)


BOMB = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 8)}]\n" for n in range(1, 12)
)


def test_aliases_are_written_out() -> None:
    assert read("a: &x {b: 1}\nc: [*x, *x]") == {"a": {"b": 1}, "c": [{"b": 1}, {"b": 1}]}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "7",
        "{",
        BOMB,
        "&a [*a]",
        "a: &a {b: *a}",
        "a: !!python/object:os.system {}",
        "a: !!set {b}",
        "[" * 5000,
        "a: " * 3,
    ],
)
def test_what_is_no_document_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(BadDocument):
        read(text)


@settings(max_examples=100)
@given(st.text(max_size=60) | st.text(alphabet="{}[]:,-&*!|>'\"#\n abc$1", max_size=60))
def test_no_text_does_anything_else_than_be_read_or_refused(text: str) -> None:
    with contextlib.suppress(BadDocument):
        document = read(text)
        version_of(document)
        list(operations(document))


JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(max_size=5), each, max_size=3),
    max_leaves=8,
)


@settings(max_examples=50)
@given(st.dictionaries(st.sampled_from(["openapi", "paths", "servers", "basePath", "/a", "get", "$ref"]), JSON))
def test_no_values_do_either(document: dict[str, Any]) -> None:
    with contextlib.suppress(BadDocument):
        version_of(document)
    with contextlib.suppress(BadDocument):
        base_path(document)
    with contextlib.suppress(BadDocument):
        list(operations(document))


def test_yaml_of_more_values_than_can_be_read_in_seconds_is_refused_before_any_is_made() -> None:
    text = f"openapi: 3.0.1\nx-many: [{'a, ' * MOST_EVENTS}a]\n"
    with pytest.raises(BadDocument, match="as YAML it has more than"):
        read(text)
    assert len(read(json.dumps({"openapi": "3.0.1", "x-many": ["a"] * MOST_EVENTS}))["x-many"]) == MOST_EVENTS
