"""The same grammar for SNS and for Lambda's mappings."""

import json
from typing import Any

import pytest

from lambent.patterns.api import FilterCriteria, InvalidPattern, attribute_policy, body_policy


# Source: Lambda Developer Guide, "Filtering with Amazon SQS": the table of data and pattern formats.
@pytest.mark.parametrize(
    ("pattern", "body", "answer"),
    [
        ({"body": ["plain"]}, "plain", True),
        ({"body": ["plain"]}, "other", False),
        ({"body": ["plain"]}, '{"a": 1}', False),
        ({"body": [{"anything-but": "x"}]}, '{"a": 1}', False),
        ({"body": {"a": [1]}}, '{"a": 1}', True),
        ({"body": {"a": [{"exists": False}]}}, "plain", False),
        ({"body": {"a": [{"exists": False}]}}, "{}", True),
        ({"body": {"a": [1]}}, "{broken", False),
        ({"attributes": {"n": ["1"]}}, "{broken", True),
        ({"attributes": {"n": ["2"]}}, "plain", False),
    ],
)
def test_the_data_of_a_record_and_its_pattern_agree_on_what_it_is(pattern: Any, body: str, answer: bool) -> None:
    criteria = FilterCriteria([json.dumps(pattern)], data="body")
    assert criteria.matches({"body": body, "attributes": {"n": "1"}}) is answer


def test_one_of_several_criteria_is_enough_and_none_wants_everything() -> None:
    either = FilterCriteria(['{"dynamodb": {"a": [1]}}', '{"eventName": ["INSERT"]}'])
    assert either.matches({"eventName": "INSERT"})
    assert not either.matches({"eventName": "REMOVE"})
    assert FilterCriteria([]).matches({})


# Source: SNS Developer Guide, "String value matching", "Numeric value matching", "Message attributes".
@pytest.mark.parametrize(
    ("policy", "attributes", "answer"),
    [
        ({"store": ["books"]}, {"store": ("String", "books")}, True),
        ({"store": ["books"]}, {}, False),
        ({"price": [{"numeric": [">=", 100]}]}, {"price": ("Number", "100.0")}, True),
        ({"price": [{"numeric": [">=", 100]}]}, {"price": ("String", "100")}, False),
        ({"interests": ["rugby"]}, {"interests": ("String.Array", '["soccer", "rugby"]')}, True),
        ({"interests": [None]}, {"interests": ("String.Array", "[null]")}, True),
        ({"key": [{"exists": True}]}, {"key": ("Binary", "AA==")}, False),
        ({"key": [{"exists": False}]}, {"other": ("String", "x")}, True),
        ({"$or": [{"a": ["1"]}, {"b": ["1"]}]}, {"b": ("String", "1")}, True),
        ({"a": ["1"], "b": ["1"]}, {"b": ("String", "1")}, False),
    ],
)
def test_attributes_have_types(policy: Any, attributes: Any, answer: bool) -> None:
    assert attribute_policy(json.dumps(policy)).matches(attributes) is answer


def test_a_body_policy_looks_into_json_objects_only() -> None:
    policy = body_policy('{"order": {"total": [{"numeric": [">", 5]}]}}')
    assert policy.matches('{"order": {"total": 6}}')
    assert not policy.matches('{"order": {"total": 5}}')
    assert not policy.matches("[1]")
    assert not policy.matches("not json")


# Source: SNS Developer Guide, "Filter policy constraints".
@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        ({"a": {"b": [1]}}, "does not support nested filter policy"),
        ({name: [1] for name in "abcdef"}, "more than 5 keys"),
        ({"a": list(range(13)), "b": list(range(12))}, "too complex"),
        ({"a": [{"like": "x"}]}, "Unrecognized match type like"),
    ],
)
def test_a_policy_over_attributes_has_limits(policy: Any, reason: str) -> None:
    with pytest.raises(InvalidPattern, match=reason):
        attribute_policy(json.dumps(policy))
