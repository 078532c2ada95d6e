"""From what a function returned to an HTTP answer; and what browsers are told.

Source: Lambda Developer Guide, "Response payload format" and "Cross-origin resource sharing (CORS)" of
function URLs; recorded answers of the service for bodies that are no strings.
"""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.gateway.cors import preflight, with_cors
from lambent.gateway.urls.answer import (
    HEAD_BYTES,
    HTTP_ANSWER,
    BadAnswer,
    answer_of,
    parsed_head,
    split_head,
    streamed_whole,
)
from lambent.model.cors import Cors
from lambent.model.http import HttpRequest

JSON = [("content-type", "application/json")]
VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
HEADS = st.fixed_dictionaries(
    {}, optional={"statusCode": VALUES, "headers": VALUES, "cookies": VALUES, "body": VALUES, "isBase64Encoded": VALUES}
)


@pytest.mark.parametrize(
    ("returned", "status", "body"),
    [
        ("hello", 200, b"hello"),
        ({"a": 1}, 200, b'{"a": 1}'),
        ([1, None], 200, b"[1, null]"),
        (None, 200, b"null"),
        ({"statusCode": 204}, 204, b""),
        ({"statusCode": "404", "body": "no"}, 404, b"no"),
        ({"statusCode": 200, "body": {"a": 1}}, 200, b'{"a":1}'),
        ({"statusCode": 200, "body": "aGk=", "isBase64Encoded": True}, 200, b"hi"),
    ],
)
def test_the_format_is_inferred(returned: Any, status: int, body: bytes) -> None:
    answer = answer_of(json.dumps(returned).encode())
    assert (answer.status, answer.body, answer.headers) == (status, body, JSON)


def test_headers_and_cookies_are_the_functions_own_but_for_those_of_the_connection() -> None:
    told = {
        "statusCode": 200,
        "headers": {"Content-Type": "text/html", "X-N": 1, "x-b": True, "Content-Length": "9", "Connection": "close"},
        "cookies": ["a=1; Secure", "b=2"],
    }
    assert answer_of(json.dumps(told).encode()).headers == [
        ("content-type", "text/html"),
        ("x-n", "1"),
        ("x-b", "true"),
        ("set-cookie", "a=1; Secure"),
        ("set-cookie", "b=2"),
    ]


@pytest.mark.parametrize(
    "returned",
    [
        b"\xff",
        b'{"statusCode": 200, "body": "\xff"}',
        b"[" * 5000,
        b"not json",
        b'{"statusCode": "abc"}',
        b'{"statusCode": 99}',
        b'{"statusCode": 101}',
        b'{"statusCode": true}',
        b'{"statusCode": 200, "headers": []}',
        b'{"statusCode": 200, "headers": {"x": {}}}',
        b'{"statusCode": 200, "headers": {"x\\r\\ny": "1"}}',
        b'{"statusCode": 200, "cookies": "a"}',
        b'{"statusCode": 200, "body": "***", "isBase64Encoded": true}',
    ],
)
def test_what_is_no_answer_is_the_functions_fault(returned: bytes) -> None:
    with pytest.raises(BadAnswer):
        answer_of(returned)


@settings(max_examples=100)
@given(HEADS | VALUES)
def test_anything_that_a_function_returns_is_an_answer_or_a_bad_one(returned: Any) -> None:
    with contextlib.suppress(BadAnswer):
        answer = answer_of(json.dumps(returned).encode())
        assert 200 <= answer.status <= 599


@settings(max_examples=50)
@given(st.binary(max_size=40))
def test_any_bytes_before_the_delimiter_are_a_head_or_a_bad_answer(head: bytes) -> None:
    with contextlib.suppress(BadAnswer):
        parsed_head(head)
    with contextlib.suppress(BadAnswer):
        streamed_whole(head + bytes(8) + b"x", HTTP_ANSWER)


def test_the_head_of_a_streamed_answer_ends_with_eight_nuls() -> None:
    assert split_head(b'{"statusCode": 2') is None
    head, rest = split_head(b'{"statusCode": 201, "cookies": ["a=b"]}' + bytes(8) + b"body") or (b"", b"")
    assert rest == b"body"
    assert parsed_head(head) == (201, [("content-type", "application/octet-stream"), ("set-cookie", "a=b")])
    with pytest.raises(BadAnswer):
        split_head(b"x" * (HEAD_BYTES + 1))


def test_a_streamed_answer_that_came_together_is_read_alike() -> None:
    answer = streamed_whole(b'{"statusCode": 418}' + bytes(8) + b"tea", HTTP_ANSWER)
    assert (answer.status, answer.body) == (418, b"tea")
    assert streamed_whole(b"{}", "application/octet-stream").body == b"{}"
    with pytest.raises(BadAnswer):
        streamed_whole(b'{"statusCode": 418}', HTTP_ANSWER)


def options(origin: str = "https://a.example") -> HttpRequest:
    return HttpRequest("OPTIONS", "/", "", [("origin", origin), ("access-control-request-method", "PUT")])


FULL = Cors(
    allow_credentials=True,
    allow_headers=("x-a", "x-b"),
    allow_methods=("GET", "PUT"),
    allow_origins=("https://a.example",),
    expose_headers=("x-c",),
    max_age_s=0,
)


def test_a_preflight_is_answered_from_the_configuration() -> None:
    answer = preflight(FULL, options(), 200)
    assert answer is not None
    assert dict(answer.headers) == {
        "access-control-allow-origin": "https://a.example",
        "access-control-allow-credentials": "true",
        "access-control-allow-methods": "GET,PUT",
        "access-control-allow-headers": "x-a,x-b",
        "access-control-max-age": "0",
        "vary": "Origin",
    }
    stranger = preflight(FULL, options("https://b.example"), 200)
    assert stranger is not None
    assert stranger.headers == [("vary", "Origin")]


def test_other_requests_and_urls_without_cors_are_the_functions() -> None:
    assert preflight(None, options(), 200) is None
    assert preflight(FULL, HttpRequest("OPTIONS", "/", "", [("origin", "https://a.example")]), 200) is None
    assert preflight(FULL, HttpRequest("GET", "/", "", options().headers), 200) is None
    assert with_cors([("access-control-allow-origin", "own")], None, "x") == [("access-control-allow-origin", "own")]


def test_the_configuration_wins_over_the_functions_own_words() -> None:
    own = [("access-control-allow-origin", "*"), ("x", "y")]
    assert with_cors(own, FULL, "https://a.example") == [
        ("x", "y"),
        ("access-control-allow-origin", "https://a.example"),
        ("access-control-allow-credentials", "true"),
        ("access-control-expose-headers", "x-c"),
        ("vary", "Origin"),
    ]
    assert with_cors(own, FULL, "https://b.example") == [("x", "y"), ("vary", "Origin")]


def test_anyone_is_a_star_unless_credentials_are_allowed() -> None:
    assert with_cors([], Cors(allow_origins=("*",)), "o")[0] == ("access-control-allow-origin", "*")
    named = with_cors([], Cors(allow_origins=("*",), allow_credentials=True), "o")
    assert named[0] == ("access-control-allow-origin", "o")
