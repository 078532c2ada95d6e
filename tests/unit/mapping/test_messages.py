"""Parameter mappings, JSON paths, schemas, regular expressions and integration URIs.

Sources: API Gateway Developer Guide, "Parameter mapping source reference" and "Data models for REST APIs".
"""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft4Validator

from lambent.mapping import expressions, paths
from lambent.mapping.expressions import FROM_ANSWER, FROM_REQUEST, Message, Source, source_of, value_of
from lambent.mapping.regexes import BadRegex, compiled
from lambent.mapping.schemas import AT_ONCE, MODELS, TOO_MUCH, BadSchema, Schema, parsed
from lambent.mapping.uris import function_of
from lambent.model.function import FunctionKey

MESSAGE = Message(
    {"header": {"X-A": "1"}, "multivaluequerystring": {"q": ["1", "2"]}, "path": {"id": "7"}},
    '{"a":  [{"b": true}], "n": null}',
    {"identity": {"sourceIp": "::1"}, "authorizer": {"a.b": "c"}},
    {"v": "w"},
)
ARN = "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/{}/invocations"


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("'a constant'", ["a constant"]),
        ("method.request.header.x-a", ["1"]),
        ("method.request.path.id", ["7"]),
        ("method.request.multivaluequerystring.q", ["1", "2"]),
        ("method.request.body.a[0].b", ["true"]),
        ("method.request.body", ['{"a":  [{"b": true}], "n": null}']),
        ("method.request.body.a", ['[{"b":true}]']),
        ("method.request.body.a[0]", ['{"b":true}']),
        ("method.request.body.n", []),
        ("method.request.querystring.no", []),
        ("context.identity.sourceIp", ["::1"]),
        ("context.authorizer.a.b", ["c"]),
        ("stageVariables.v", ["w"]),
    ],
)
def test_a_source_has_the_value_of_its_place(text: str, values: list[str]) -> None:
    source = source_of(text, FROM_REQUEST)
    assert source is not None
    assert value_of(source, MESSAGE) == values


@pytest.mark.parametrize(
    "text", ["", "x", "method.request.cookie.a", "'open", "method.request.body.[", "context.", "a'b'"]
)
def test_what_names_no_place_is_no_source(text: str) -> None:
    assert source_of(text, FROM_REQUEST) is None


@settings(max_examples=50)
@given(st.text(max_size=40))
def test_any_text_is_a_source_or_none(text: str) -> None:
    for form in (FROM_REQUEST, FROM_ANSWER):
        for given_text in (text, f"method.request.body.{text}", f"integration.response.body.{text}"):
            source = source_of(given_text, form)
            assert source is None or isinstance(value_of(source, MESSAGE), list)


def test_targets_are_of_their_own_form_only() -> None:
    assert expressions.target_of("integration.request.header.X", expressions.TO_INTEGRATION) == ("header", "X")
    assert expressions.target_of("integration.request.body.X", expressions.TO_INTEGRATION) is None
    assert source_of("integration.response.header.X", FROM_ANSWER) == Source("header", "X")


def test_a_path_to_one_place_gives_what_is_there_and_any_other_a_list() -> None:
    value = {"a": {"b": [1, {"c": 2}]}}
    assert paths.at("$.a.b[1].c", value) == 2
    assert paths.at("$..c", value) == [2]
    assert paths.at("$.no", value) is None
    with pytest.raises(paths.BadPath):
        paths.at("$.[", value)


@pytest.mark.parametrize(
    ("schema", "body", "said"),
    [
        ({"required": ["b", "a", "c"]}, {"c": 1}, 'object has missing required properties (["a","b"])'),
        ({"type": "number"}, "1", "instance type (string) does not match any allowed primitive type "
                                  '(allowed: ["integer","number"])'),
        ({"enum": ["a", 1]}, None, 'instance value (null) not found in enum (possible values: ["a",1])'),
        ({"minimum": 0}, -1, "numeric instance is lower than the required minimum (minimum: 0, found: -1)"),
        ({"maximum": 0, "exclusiveMaximum": True}, 0, "numeric instance is not strictly lower than the required "
                                                      "maximum 0"),
        ({"minLength": 2}, 'a', 'string "a" is too short (length: 1, required minimum: 2)'),
        ({"pattern": "^a"}, "b", 'ECMA 262 regex "^a" does not match input string "b"'),
        ({"properties": {"a": {}}, "additionalProperties": False}, {"a": 1, "b": 2},
         'object instance has properties which are not allowed by the schema: ["b"]'),
        ({"maxItems": 1}, [1, 2], "array is too long: must have at most 1 elements but instance has 2 elements"),
        ({"anyOf": [{"type": "string"}, {"type": "array"}]}, 1,
         "instance failed to match at least one required schema among 2"),
        ({"multipleOf": 2}, 3, "instance failed to match the schema's multipleOf"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_body_is_told_as_api_gateway_tells_it(schema: Any, body: Any, said: str) -> None:
    assert Schema(json.dumps(schema), {}).problems(body) == f"[{said}]"
    assert Schema(json.dumps({"properties": {"x": schema}}), {}).problems({"x": body}) == f"[{said}]"


def test_models_refer_to_one_another_and_to_nothing_outside() -> None:
    url = f"{MODELS}api/models/Name"
    schema = Schema(json.dumps({"properties": {"n": {"$ref": url}}}), {url: '{"type": "string", "pattern": "^a"}'})
    assert not schema.problems({"n": "abc"})
    assert schema.problems({"n": "b"})
    assert schema.problems({"n": 1})
    assert Schema('{"$ref": "http://127.0.0.1:1/x"}', {}).problems({})
    assert Schema('{"pattern": "^(a|aa)+$"}', {}).problems("a" * 60 + "!")
    assert not Schema('{"patternProperties": {"^x": {"type": "integer"}}}', {}).problems({"x1": 1, "y": ""})
    for text in ("", "[]", '{"type": "nonsense"}', "[" * 5000):
        with pytest.raises(BadSchema):
            parsed(text)


def test_regular_expressions_match_whole_texts_within_their_time() -> None:
    assert compiled("4\\d{2}").matches("404")
    assert not compiled("4\\d").matches("404")
    assert not compiled(".*").matches("two\nlines")
    with pytest.raises(BadRegex, match="too long"):
        compiled("(a|aa)+").matches("a" * 60 + "!")
    with pytest.raises(BadRegex, match="cannot be read"):
        compiled("(")


def test_a_function_s_uri_is_filled_with_stage_variables() -> None:
    function = "arn:aws:lambda:eu-west-1:000000000000:function:${stageVariables.f}:${stageVariables.alias}"
    found = function_of(ARN.format(function), {"f": "pets", "alias": "live"})
    assert found is not None
    assert (found.key, found.qualifier) == (FunctionKey("000000000000", "eu-west-1", "pets"), "live")
    assert function_of(ARN.format(function), {}) is None
    assert function_of("arn:aws:apigateway:eu-west-1:sqs:path/x", {}) is None


BODIES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.0, 1.0, -0.0, 1.5]) | st.sampled_from("ab"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=6,
)


def tree(depth: int) -> str:
    """A schema of `depth` lines that asks for 2 ** depth steps."""
    steps = {f"d{n}": {"allOf": [{"$ref": f"#/definitions/d{n + 1}"}] * 2} for n in range(depth)}
    return json.dumps({"definitions": {**steps, f"d{depth}": {}}, "$ref": "#/definitions/d0"})


def test_a_schema_that_asks_for_more_than_anybody_has_time_for_is_given_up() -> None:
    assert Schema(tree(40), {}).problems({}, AT_ONCE) == TOO_MUCH
    assert not Schema(tree(5), {}).problems({}, AT_ONCE)


def test_elements_are_compared_with_what_is_there_and_not_with_each_other() -> None:
    unique = Schema('{"uniqueItems": true}', {})
    assert not unique.problems([{"a": [n]} for n in range(10_000)], AT_ONCE)
    assert not unique.problems([1, True, "1", [1], {"a": 1}, None, 1.5, 0, False, 2.0**70], AT_ONCE)
    for same in ([1, 1.0], [{"a": 1, "b": 2}, {"b": 2, "a": 1.0}], [[0], [-0.0]], ["x", "y", "x"]):
        assert unique.problems(same, AT_ONCE) == "[array must not contain duplicate elements]"


def test_properties_that_no_pattern_names_are_found_in_time() -> None:
    schema = {"patternProperties": {"^(a|aa)+$": {}, "^x": {}}, "additionalProperties": {"type": "integer"}}
    checked = Schema(json.dumps(schema), {})
    assert checked.problems({"a" * 60 + "!": 1}, AT_ONCE)
    assert not checked.problems({"x1": "any", "y": 1}, AT_ONCE)
    assert checked.problems({"y": "text"}, AT_ONCE)


@settings(max_examples=200)
@given(BODIES, BODIES)
def test_our_keywords_say_what_the_librarys_do(one: Any, other: Any) -> None:
    for schema in ({"enum": [one]}, {"uniqueItems": True}, {"properties": {"a": {}}, "additionalProperties": False}):
        for body in (one, other, [one, other]):
            expected = Draft4Validator(schema).is_valid(body)
            assert (not Schema(json.dumps(schema), {}).problems(body, AT_ONCE)) is expected
