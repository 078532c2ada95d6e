"""Filter patterns. Source, unless a test names another: CloudWatch Logs User Guide, "Filter pattern
syntax for metric filters, subscription filters, filter log events, and Live Tail" (its examples)."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.services.logs.patterns import InvalidPattern, compile_pattern
from lambent.services.logs.patterns.common import Literal

BAD_REQUEST = "[ERROR 400] BAD REQUEST"
MISSING = "[ERROR 419] MISSING ARGUMENTS"


@pytest.mark.parametrize(
    ("pattern", "message", "expected"),
    [
        ("", "anything", True),
        ('" "', "anything", True),
        ("ERROR", BAD_REQUEST, True),
        ("error", BAD_REQUEST, False),
        ("ERROR ARGUMENTS", MISSING, True),
        ("ERROR ARGUMENTS", BAD_REQUEST, False),
        ("?ERROR ?ARGUMENTS", "ARGUMENTS are missing", True),
        ("?ERROR ?ARGUMENTS", "[INFO] REQUEST FAILED", False),
        ("?ERROR ?ARGUMENTS REQUEST", "[INFO] REQUEST FAILED", True),
        ('"INTERNAL SERVER ERROR"', "[ERROR 500] INTERNAL SERVER ERROR", True),
        ('"INTERNAL SERVER ERROR"', "INTERNAL ERROR of the SERVER", False),
        ("ERROR -ARGUMENTS", BAD_REQUEST, True),
        ("ERROR -ARGUMENTS", MISSING, False),
        ("-ERROR", "all is well", True),
        ('-"BAD REQUEST"', BAD_REQUEST, False),
        (r'"say \"hi\""', 'they say "hi" to all', True),
        ('?"Task timed out" ?"Process exited"', "2026 x Task timed out after 3.00 seconds", True),
    ],
)
def test_terms(pattern: str, message: str, expected: bool) -> None:
    assert compile_pattern(pattern)(message) is expected


@pytest.mark.parametrize(
    ("pattern", "character"), [("?Status: timeout", ":"), ("ERROR (", "("), ("a,b", ","), ("`x", "`"), ('"open', '"')]
)
def test_a_term_with_odd_characters_is_refused_in_the_words_of_aws(pattern: str, character: str) -> None:
    """Source: error reports of users: InvalidParameterException, Invalid character(s) in term ':'."""
    with pytest.raises(InvalidPattern) as refusal:
        compile_pattern(pattern)
    assert str(refusal.value) == f"Invalid character(s) in term '{character}'"


TRAIL = {
    "eventType": "UpdateTrail",
    "sourceIPAddress": "111.111.111.111",
    "arrayKey": ["value", "another value"],
    "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}],
    "SomeObject": None,
    "cluster.name": "c",
    "flag": True,
    "latency": 12.5,
    "errorCode": 400,
    "big": 1000,
    "detail-type": "x",
}
USERS = {
    "user": {"id": 1, "email": "John.Stiles@example.com"},
    "users": [{"id": 2, "email": "John.Doe@example.com"}, {"id": 3, "email": "Jane.Doe@example.com"}],
    "actions": ["GET", "PUT", "DELETE"],
    "coordinates": [[0, 1, 2], [4, 5, 6], [7, 8, 9]],
}


@pytest.mark.parametrize(
    ("pattern", "event", "expected"),
    [
        ('{ $.eventType = "UpdateTrail" }', TRAIL, True),
        ("{ $.eventType = UpdateTrail }", TRAIL, True),
        ('{ $.eventType = "Update*" }', TRAIL, True),
        ('{ $.eventType != "UpdateTrail" }', TRAIL, False),
        ("{ $.sourceIPAddress != 123.123.* }", TRAIL, True),
        ("{ $.sourceIPAddress = 111.111.* }", TRAIL, True),
        ('{ $.arrayKey[0] = "value" }', TRAIL, True),
        ('{ $.arrayKey[1] = "value" }', TRAIL, False),
        ('{ $.arrayKey[9] = "value" }', TRAIL, False),
        ('{ $.arrayKey[*] = "another*" }', TRAIL, True),
        ("{ $.objectList[1].id = 2 }", TRAIL, True),
        ("{ $.objectList[*].id = 3 }", TRAIL, False),
        ("{ $.* = 111.111.111.1* }", TRAIL, True),
        ("{ $.SomeObject IS NULL }", TRAIL, True),
        ("{ $.flag IS TRUE }", TRAIL, True),
        ("{ $.flag IS FALSE }", TRAIL, False),
        ("{ $.SomeOtherObject NOT EXISTS }", TRAIL, True),
        ("{ $.SomeObject NOT EXISTS }", TRAIL, False),
        ("{ $.['cluster.name'] = \"c\" }", TRAIL, True),
        ("{ $.detail-type = x }", TRAIL, True),
        ("{ $.latency < 50 }", TRAIL, True),
        ("{ $.latency >= 12.5 }", TRAIL, True),
        ("{ $.latency > 12.5 }", TRAIL, False),
        ("{ $.latency = * }", TRAIL, True),
        ("{ $.errorCode = 400}", TRAIL, True),
        ("{ $.errorCode = 4* }", TRAIL, True),
        ("{ $.errorCode != 500 }", TRAIL, True),
        ("{ $.big = 1e+3 }", TRAIL, True),
        ("{ $.objectList = * }", TRAIL, False),
        ("{ $.missing != 1 }", TRAIL, False),
        ("{ $.eventType > 1 }", TRAIL, False),
        ('{ ($.user.id = 1) && ($.users[0].email = "John.Doe@example.com") }', USERS, True),
        (
            '{ $.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = "nonmatch" && $.actions[2] = "no" }',
            USERS,
            True,
        ),
        (
            '{ ($.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = "nonmatch") && $.actions[2] = "no" }',
            USERS,
            False,
        ),
        ('{ ($.user.id = 2 && $.users[0].email = "nonmatch") || $.actions[2] = "GET" }', USERS, False),
        ("{ $.coordinates[0][1] = 1 }", USERS, True),
    ],
)
def test_json_events(pattern: str, event: dict[str, Any], expected: bool) -> None:
    assert compile_pattern(pattern)(json.dumps(event) + "\n") is expected


def test_an_event_that_is_not_a_json_object_matches_no_json_pattern() -> None:
    matches = compile_pattern("{ $.a NOT EXISTS }")
    assert not matches("plain text")
    assert not matches('{"a": ')
    assert not matches("[1, 2]")


@pytest.mark.parametrize(
    "pattern",
    [
        "{",
        "{ }",
        "{ $.a }",
        "{ $.a = }",
        "{ $.a = 1",
        "{ $.a = 1 } x",
        "{ ($.a = 1 }",
        "{ $.a = 1 && }",
        "{ $.a IS NOT NULL }",
        "{ $.a EXISTS }",
        "{ $.a > x }",
        "{ a = 1 }",
        '{ $.a = "x", $.b = "y" }',
        "{ $.*.* = 1 }",
        '{ $."detail-type" = 5 }',
        "{" + "(" * 80 + "$.a = 1" + ")" * 80 + "}",
        "[a, b",
        "[a = ]",
        "[..., a, ...]",
        "[a=1 || b=2]",
        "[a > x]",
        "%ERROR%",
        "{ $.a = %x% }",
        "[a=%x%]",
    ],
)
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    """`IS NOT` and `EXISTS` are named as unsupported by the guide; regular expressions are not Lambent's."""
    with pytest.raises(InvalidPattern):
        compile_pattern(pattern)


ACCESS = '127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534'


@pytest.mark.parametrize(
    ("pattern", "message", "expected"),
    [
        ("[ip, user, username, timestamp, request =*.html*, status_code = 4*, bytes]", ACCESS, True),
        ("[ip, user, username, timestamp, request =*.png*, status_code = 4*, bytes]", ACCESS, False),
        ("[..., request =*.html*, status_code = 4*, bytes]", ACCESS, True),
        ("[..., status_code = 404 || status_code = 410, bytes]", ACCESS, True),
        ("[..., status_code = 4* && status_code != 404, bytes]", ACCESS, False),
        ("[ip, user, ...]", ACCESS, True),
        ("[ip, user = Dev, ...]", ACCESS, False),
        ("[..., bytes > 1000]", ACCESS, True),
        ("[..., bytes > 2000]", ACCESS, False),
        ('[ip, user, username, timestamp = "10/Oct*", ...]', ACCESS, True),
        ("[..., request=*.html*, status_code=4*,]", ACCESS, True),
        ("[a, b, c, d, e, f, g, h]", ACCESS, False),
        ("[w1=ERROR, w2]", "ERROR 09/25/2014 12:00:02 Failed to process request", True),
        ("[w1=ERROR, w2]", "INFO 09/25/2014 12:00:00 GET /service/resource/67 1200", False),
        ("[w1=ERROR, w2]", "ERROR", False),
        ("[w1=ERROR || w1=WARNING, w2]", "WARNING 09/25/2014 12:00:02 Invalid user request", True),
        ("[w1!=ERROR && w1!=WARNING, w2]", "INFO 09/25/2014 12:00:01 POST /x 1310", True),
        ("[w1!=ERROR && w1!=WARNING, w2]", "ERROR 09/25/2014 12:00:02 Failed", False),
    ],
)
def test_events_of_fields(pattern: str, message: str, expected: bool) -> None:
    assert compile_pattern(pattern)(message) is expected


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("[a, ...]", "[ " * 400_000),
        ("[a, ...]", "[ " * 400_000 + "]x"),
        ("[a, ...]", '"a ' * 300_000),
        ("[a > 5, ...]", "1" * 900_000 + "x"),
        ("{ $.a = *x*x*x*x*y }", '{"a": "' + "x" * 900_000 + '"}'),
        ("{ $.a = 1 }", '{"a":' * 100_000),
        ("{ $.a > 5 }", '{"a": "' + "1" * 900_000 + 'x"}'),
    ],
)
def test_a_hostile_message_takes_no_longer_than_its_length(pattern: str, message: str) -> None:
    """Quadratic matching of these would take hours, and the suite with it."""
    compile_pattern(pattern)(message)


@settings(max_examples=200)
@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_is_a_pattern_or_refused(pattern: str, message: str) -> None:
    try:
        matches = compile_pattern(pattern)
    except InvalidPattern:
        return
    assert matches(message) in (True, False)


@settings(max_examples=200)
@given(st.text(alphabet='{}[]()$.*"\\=!<>&|?-,abIS NULTEX1 ', max_size=40), st.text(max_size=40))
def test_any_text_of_the_language_is_a_pattern_or_refused(pattern: str, message: str) -> None:
    try:
        matches = compile_pattern(pattern)
    except InvalidPattern:
        return
    assert matches(message) in (True, False)


@settings(max_examples=100)
@given(st.text(max_size=30))
def test_every_message_holds_the_phrase_that_it_is(message: str) -> None:
    quoted = message.replace("\\", "\\\\").replace('"', '\\"')
    assert compile_pattern(f'"{quoted}"')(f"before {message} behind")


@settings(max_examples=200)
@given(st.lists(st.text(alphabet="ab", max_size=3), min_size=1, max_size=5), st.text(alphabet="ab", max_size=12))
def test_wildcards_match_as_a_plain_search_over_all_splits_does(pieces: list[str], value: str) -> None:
    def brute(pieces: list[str], value: str) -> bool:
        if len(pieces) == 1:
            return value == pieces[0]
        first, *rest = pieces
        return value.startswith(first) and any(brute(rest, value[at:]) for at in range(len(first), len(value) + 1))

    assert Literal("*".join(pieces)).equals(value) is brute(pieces, value)
