"""Every operator, one row a fact. Source of each block: EventBridge User Guide, "Comparison operators
for use in event patterns", the section that the block names; the semantics of lists: "Arrays in
event patterns"."""

import json
from typing import Any

import pytest

from lambent.patterns.api import InvalidPattern, event_pattern

EXACT = [
    (["x"], "x", True),
    (["x"], "X", False),
    (["x", "y"], "y", True),
    (["300"], 300, False),
    ([300], "300", False),
    ([300], 3.0e2, True),
    ([1], True, False),
    ([True], 1, False),
    ([True], True, True),
    ([False], True, False),
    ([None], None, True),  # "Null values and empty strings"
    ([None], "", False),
    ([""], "", True),
    ([""], None, False),
    ([{"exactly": "x"}], "x", True),
]
PREFIX_SUFFIX = [
    ([{"prefix": "us-"}], "us-east-1", True),
    ([{"prefix": "us-"}], "eu-us-", False),
    ([{"prefix": ""}], "", True),
    ([{"prefix": "1"}], 12, False),
    ([{"prefix": {"equals-ignore-case": "EventB"}}], "eventbridge", True),
    ([{"prefix": {"equals-ignore-case": "EventB"}}], "event-b", False),
    ([{"suffix": ".png"}], "a.png", True),
    ([{"suffix": ".png"}], "a.PNG", False),
    ([{"suffix": {"equals-ignore-case": ".png"}}], "a.PnG", True),
    ([{"suffix": ".png"}, "x"], "x", True),
]
IGNORE_CASE = [
    ([{"equals-ignore-case": "alice"}], "AlicE", True),
    ([{"equals-ignore-case": "alice"}], "alices", False),
    ([{"equals-ignore-case": "1"}], 1, False),
]
ANYTHING_BUT = [
    ([{"anything-but": "x"}], "y", True),
    ([{"anything-but": "x"}], "x", False),
    ([{"anything-but": ["x", "y"]}], "y", False),
    ([{"anything-but": ["x", "y"]}], 5, True),
    ([{"anything-but": ["x", "y"]}], None, True),
    ([{"anything-but": 100}], 100.0, False),
    ([{"anything-but": [100, 200]}], 150, True),
    ([{"anything-but": 100}], "100", True),
    ([{"anything-but": 1}], True, True),
    ([{"anything-but": {"prefix": "init"}}], "initial", False),
    ([{"anything-but": {"prefix": ["init", "un"]}}], "unknown", False),
    ([{"anything-but": {"prefix": ["init", "un"]}}], "known", True),
    ([{"anything-but": {"suffix": ".txt"}}], "a.txt", False),
    ([{"anything-but": {"suffix": [".txt", ".rtf"]}}], "a.pdf", True),
    ([{"anything-but": {"equals-ignore-case": "Init"}}], "INIT", False),
    ([{"anything-but": {"equals-ignore-case": ["a", "b"]}}], "C", True),
    ([{"anything-but": {"wildcard": "*/lib/*"}}], "a/lib/b", False),
    ([{"anything-but": {"wildcard": ["*/lib/*", "*/bin/*"]}}], "a/etc/b", True),
]
NUMERIC = [
    ([{"numeric": ["=", 5]}], 5.0, True),
    ([{"numeric": ["=", 5]}], "5", False),
    ([{"numeric": ["=", 1]}], True, False),
    ([{"numeric": ["<", 10]}], 10, False),
    ([{"numeric": ["<=", 10]}], 10, True),
    ([{"numeric": [">", -1.5]}], -1, True),
    ([{"numeric": [">=", 0]}], -0.1, False),
    ([{"numeric": [">", 0, "<=", 5]}], 5, True),
    ([{"numeric": [">", 0, "<", 5]}], 5, False),
    ([{"numeric": [">", 0, "<", 5]}], 0, False),
    ([{"numeric": [">", 0, "<", 5]}, 7], 7, True),
]
CIDR = [
    ([{"cidr": "10.0.0.0/24"}], "10.0.0.255", True),
    ([{"cidr": "10.0.0.0/24"}], "10.0.1.0", False),
    ([{"cidr": "10.0.0.7/24"}], "10.0.0.1", True),
    ([{"cidr": "2001:db8::/32"}], "2001:db8::1", True),
    ([{"cidr": "10.0.0.0/24"}], "not an address", False),
    ([{"cidr": "10.0.0.0/24"}], 10, False),
]
WILDCARD = [
    ([{"wildcard": "dir/*.png"}], "dir/sub/a.png", True),
    ([{"wildcard": "dir/*.png"}], "dir/.pn", False),
    ([{"wildcard": "*"}], "", True),
    ([{"wildcard": "a*a"}], "a", False),
    ([{"wildcard": "a*b*c"}], "aXbYbZc", True),
    ([{"wildcard": "a*b*c"}], "acb", False),
    ([{"wildcard": "a\\*b"}], "a*b", True),
    ([{"wildcard": "a\\*b"}], "aXb", False),
    ([{"wildcard": "a\\\\b*"}], "a\\bc", True),
    ([{"wildcard": "plain"}], "plain", True),
]
EXISTS: list[tuple[list[Any], Any, bool]] = [
    ([{"exists": True}], "x", True),
    ([{"exists": True}], None, True),
    ([{"exists": True}], {"y": 1}, False),  # leaves only
    ([{"exists": True}], [], False),
    ([{"exists": False}], "x", False),
    ([{"exists": False}], {"y": 1}, True),
    ([{"exists": False}], [], True),
    ([{"exists": False}, "x"], "x", True),
]
LISTS = [
    (["a", "b"], ["x", "b"], True),
    (["a", "b"], ["x", "y"], False),
    (["a"], [["a"]], True),
    ([{"prefix": "a"}], ["b", "ab"], True),
    ([{"anything-but": ["a"]}], ["a", "b"], True),  # one element is enough
    ([{"anything-but": ["a"]}], ["a"], False),
    ([{"anything-but": ["a"]}], [], False),
    ([None], [None], True),
]
TABLE = EXACT + PREFIX_SUFFIX + IGNORE_CASE + ANYTHING_BUT + NUMERIC + CIDR + WILDCARD + EXISTS + LISTS


@pytest.mark.parametrize(("wanted", "value", "answer"), TABLE, ids=lambda each: json.dumps(each)[:60])
def test_an_operator_decides_as_its_page_says(wanted: Any, value: Any, answer: bool) -> None:
    pattern = event_pattern(json.dumps({"detail": {"field": wanted}}))
    assert pattern.matches({"detail": {"field": value}}) is answer


@pytest.mark.parametrize("wanted", [row[0] for row in TABLE if '"exists": false' not in json.dumps(row[0])])
def test_a_field_that_is_not_there_satisfies_nothing_but_exists_false(wanted: Any) -> None:
    assert not event_pattern(json.dumps({"detail": {"field": wanted}})).matches({"detail": {"other": 1}})


@pytest.mark.parametrize("event", [{}, {"detail": {}}, {"detail": "x"}, {"detail": []}, {"detail": {"field": {}}}])
def test_exists_false_holds_wherever_the_way_to_the_field_ends(event: Any) -> None:
    assert event_pattern('{"detail": {"field": [{"exists": false}]}}').matches(event)


# "Arrays in event patterns" and the consistency of arrays in AWS's rule engine.
PEOPLE = {"people": [{"first": "Anna", "last": "Lee"}, {"first": "Bo", "last": "Ito", "age": 3}]}


@pytest.mark.parametrize(
    ("pattern", "answer"),
    [
        ({"people": {"first": ["Anna"], "last": ["Lee"]}}, True),
        ({"people": {"first": ["Anna"], "last": ["Ito"]}}, False),
        ({"people": {"age": [{"exists": False}]}}, False),
        ({"people": {"phone": [{"exists": False}]}}, True),
        ({"people": {"$or": [{"first": ["Anna"]}, {"age": [4]}]}}, True),
        ({"people": {"$or": [{"first": ["Zoe"]}, {"age": [4]}]}}, False),
    ],
)
def test_fields_of_a_list_of_objects_hold_in_one_element(pattern: Any, answer: bool) -> None:
    assert event_pattern(json.dumps(pattern)).matches(PEOPLE) is answer


# "Using $or"
OR_PATTERN = {
    "source": ["s"],
    "detail": {
        "$or": [{"count": [{"numeric": [">", 5]}]}, {"limit": [1], "mode": ["m"]}, {"$or": [{"a": [1]}, {"b": [1]}]}]
    },
}


@pytest.mark.parametrize(
    ("detail", "answer"),
    [
        ({"count": 6}, True),
        ({"count": 5}, False),
        ({"limit": 1}, False),
        ({"limit": 1, "mode": "m"}, True),
        ({"b": 1}, True),
        ({}, False),
    ],
)
def test_one_branch_of_or_is_enough_and_its_neighbours_still_count(detail: Any, answer: bool) -> None:
    pattern = event_pattern(json.dumps(OR_PATTERN))
    assert pattern.matches({"source": "s", "detail": detail}) is answer
    assert not pattern.matches({"source": "t", "detail": detail})


# The words are those of AWS's open rule engine, which EventBridge passes on.
REFUSALS = [
    ('"x"', "Filter is not an object"),
    ("{}", "Empty objects are not allowed"),
    ('{"a": {}}', "Empty objects are not allowed"),
    ('{"a": []}', "Empty arrays are not allowed"),
    ('{"a": "x"}', '"a" must be an object or an array'),
    ('{"a": [["x"]]}', "Match value must be String, number, true, false, or null"),
    ('{"a": [{}]}', "Match expression name not found"),
    ('{"a": [{"like": "x"}]}', "Unrecognized match type like"),
    ('{"a": [{"prefix": 1}]}', "prefix match pattern must be a string"),
    ('{"a": [{"prefix": "a", "suffix": "b"}]}', "Only one key allowed in match expression"),
    ('{"a": [{"suffix": {"prefix": "x"}}]}', "Unsupported suffix pattern: prefix"),
    ('{"a": [{"exists": "yes"}]}', "exists match pattern must be either true or false."),
    ('{"a": [{"numeric": 5}]}', "Value of numeric must be an array."),
    ('{"a": [{"numeric": []}]}', "Invalid member in numeric match: ["),
    ('{"a": [{"numeric": ["~", 5]}]}', "Unrecognized numeric range operator: ~"),
    ('{"a": [{"numeric": ["="]}]}', "Value of equals must be numeric"),
    ('{"a": [{"numeric": [">", "5"]}]}', "Value of > must be numeric"),
    ('{"a": [{"numeric": ["<", 5, ">", 1]}]}', "Too many elements in numeric expression"),
    ('{"a": [{"numeric": [">", 5, ">", 6]}]}', "Bad numeric range operator: >"),
    ('{"a": [{"numeric": [">", 5, "<", 5]}]}', "Bottom must be less than top"),
    ('{"a": [{"numeric": [">", 1, "<", 5, "<"]}]}', "Too many terms in numeric range expression"),
    ('{"a": [{"numeric": [">", 6e9]}]}', "Value must be between -5.0E9 and 5.0E9, inclusive"),
    ('{"a": [{"anything-but": true}]}', "Value of anything-but must be an array or single string/number value."),
    ('{"a": [{"anything-but": ["x", 1]}]}', "Inside anything but list, either all values are number or string"),
    ('{"a": [{"anything-but": []}]}', "Inside anything but list, either all values are number or string"),
    ('{"a": [{"anything-but": [null]}]}', "Inside anything but list, start|null|boolean is not supported."),
    ('{"a": [{"anything-but": {"numeric": ["=", 1]}}]}', "Unsupported anything-but pattern: numeric"),
    ('{"a": [{"anything-but": {"prefix": ""}}]}', "Null prefix/suffix not allowed"),
    ('{"a": [{"wildcard": "a**b"}]}', "Consecutive wildcard characters at pos 1"),
    ('{"a": [{"wildcard": "a\\\\b"}]}', "Invalid escape character at pos 1"),
    ('{"a": [{"cidr": "10.0.0.0"}]}', "Malformed CIDR, one '/' required"),
    ('{"a": [{"cidr": "10.0.0/8"}]}', "Malformed CIDR, invalid IP address"),
    ('{"$or": {"a": [1]}}', "It must be an Array followed with $or."),
    ('{"$or": [{"a": [1]}]}', "There must have at least 2 Objects in $or relationship."),
    ('{"$or": [{"a": [1]}, 5]}', "Only JSON object is allowed in array of $or relationship."),
    ('{"$or": [{"a": [1]}, {"numeric": [1]}]}', "numeric is Ruler reserved fieldName"),
    ('{"a": [1}', "Unexpected character ('}'): was expecting comma to separate Array entries"),
    ('{"a": [1]', "Unexpected end-of-input"),
    ("", "Unexpected end-of-input"),
    ('{"a": ["x]}', "Unterminated string"),
    ('{"a": [01]}', "was expecting comma"),
    ('{"a": [1]} x', "Unexpected character ('x')"),
    ("[" * 5000, "levels deep"),
    (json.dumps({f"k{n}": {"$or": [{"a": [1]}, {"b": [1]}]} for n in range(10)}), "1024 combinations"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "reason"), REFUSALS, ids=lambda each: each[:50])
def test_a_wrong_pattern_is_refused_in_the_words_of_the_rule_engine(text: str, reason: str) -> None:
    with pytest.raises(InvalidPattern) as refusal:
        event_pattern(text)
    assert refusal.value.reason.startswith(reason) or reason in refusal.value.reason


def test_a_refusal_says_where_it_looked() -> None:
    with pytest.raises(InvalidPattern) as refusal:
        event_pattern('{"source":\n "x"}')
    assert refusal.value.with_place().endswith('at [Source: (String)"{"source":\n "x"}"; line: 2, column: 5]')
