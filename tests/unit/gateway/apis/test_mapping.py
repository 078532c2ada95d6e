"""Parameter mapping, access log lines and the answers of functions.

Sources: API Gateway Developer Guide, "Transform API requests and responses for HTTP APIs", "Customize HTTP API access
logs", "Create AWS Lambda proxy integrations for HTTP APIs" (formats of answers).
"""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.gateway.apis.access_log import formatter
from lambent.gateway.apis.address import Place
from lambent.gateway.apis.context import CallContext
from lambent.gateway.apis.expressions import Scene, template, variable
from lambent.gateway.apis.http_answer import answer_1, answer_2
from lambent.gateway.apis.parameters import request_change, response_change
from lambent.gateway.exchange import Exchange
from lambent.gateway.urls.answer import BadAnswer
from lambent.model.apis import HttpApi
from lambent.model.http import HttpRequest, HttpResponse
from lambent.model.parameter_mapping import problem

REQUEST = HttpRequest(
    "POST",
    "/prod/pets/7",
    "a=1&a=2&b=x%20y",
    [("host", "h"), ("x-one", "1"), ("x-one", "2"), ("user-agent", 'Mo"zilla\n')],
    b'{"pet": {"names": ["Rex", "Bo"], "age": 3}}',
)
API = HttpApi("abc", "1" * 12, "us-east-1", {})


def scene(response: HttpResponse | None = None) -> Scene:
    exchange = Exchange(REQUEST, "r1", "192.0.2.1", lambda _: None, came_s=0.0)
    call = CallContext(exchange, API, Place("prod", "/pets/7", "/prod"), "h", {"v": "red"})
    call.parameters, call.route_key, call.now_ms = {"id": "7"}, "POST /pets/{id}", 1_000
    call.authorizer_values = {"claims": {"sub": "ann"}}
    return Scene(call, REQUEST, response)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$request.header.X-One", "1,2"),
        ("$request.header.nowhere", None),
        ("$request.querystring.a", "1,2"),
        ("$request.path", "/pets/7"),
        ("$request.path.id", "7"),
        ("$request.body.pet.names[1]", "Bo"),
        ("$request.body.pet.age", "3"),
        ("$request.body.pet.none", None),
        ("$context.stage", "prod"),
        ("$context.authorizer.claims.sub", "ann"),
        ("$context.nothing", None),
        ("$stageVariables.v", "red"),
        ("plain", "plain"),
        ("${request.path.id} of ${context.stage}s", "7 of prods"),
        ("$request.header.nowhere!", "!"),
        ("$$", "$$"),
    ],
)
def test_a_value_is_read_from_where_it_says(text: str, value: str | None) -> None:
    assert template(text)(scene()) == value


def test_a_request_is_changed_in_the_order_that_is_given() -> None:
    change = request_change(
        {
            "append:header.x-one": "3",
            "overwrite:header.x-two": "$request.body.pet.age",
            "remove:header.user-agent": "",
            "overwrite:querystring.a": "$request.header.nowhere",
            "remove:querystring.b": "",
            "append:querystring.c": "c d",
            "overwrite:path": "other/$request.path.id",
        }
    )
    assert change is not None
    made, path = change(scene())
    assert (made.query, path) == ("a=1&a=2&c=c+d", "/other/7")
    assert made.headers == [("host", "h"), ("x-one", "1"), ("x-one", "2"), ("x-one", "3"), ("x-two", "3")]


def test_an_answer_is_changed_by_its_status() -> None:
    change = response_change({"200": {"overwrite:statuscode": "204", "append:header.x": "$response.body.a"}})
    assert change is not None
    answer = HttpResponse(200, [], b'{"a": "b\\r\\nset-cookie: c"}')
    assert change(scene(answer), answer) == HttpResponse(204, [], answer.body)  # no header is made of two lines
    answer = HttpResponse(200, [], b'{"a": "b"}')
    assert change(scene(answer), answer).headers == [("x", "b")]
    other = HttpResponse(404, [])
    assert change(scene(other), other) == other


@pytest.mark.parametrize("key", ["x", "add:header.x", "remove:path", "append:statuscode", "overwrite:header.Host"])
def test_a_mapping_without_a_form_has_a_problem(key: str) -> None:
    assert problem({key: "v"}, of_request=True)
    assert problem({key: "v"}, of_request=False)


def test_a_line_of_an_access_log_stays_one_line_of_its_form() -> None:
    text = '{"ua":"$context.identity.userAgent","no":"$context.none","s":"$context.status","key":"$context.routeKey"}'
    line = formatter(text)(scene().call)
    assert json.loads(line) == {"ua": 'Mo"zilla\n', "no": "-", "s": "-", "key": "POST /pets/{id}"}
    assert "\n" not in line


@settings(max_examples=100)
@given(st.text(max_size=40) | st.text(alphabet="${}.abrequesthdxt[]0 ", max_size=40))
def test_no_text_does_harm_as_an_expression_or_a_format(text: str) -> None:
    template(text)(scene())
    variable(text)
    assert isinstance(formatter(text)(scene().call), str)


def test_format_one_wants_a_status_and_has_headers_of_many_values() -> None:
    many = {"x-a": ["3", "4"], "x-b": ["2"]}
    told = {"statusCode": 200, "headers": {"X-A": "1", "X-B": "2"}, "multiValueHeaders": many, "body": "b"}
    answer = answer_1(json.dumps(told).encode())
    assert answer.headers == [
        ("content-type", "text/plain;charset=UTF-8"),
        ("x-a", "3"),
        ("x-a", "4"),
        ("x-a", "1"),
        ("x-b", "2"),
    ]
    typed = answer_1(b'{"statusCode": 200, "multiValueHeaders": {"Content-Type": ["text/html"]}}')
    assert typed.headers == [("content-type", "text/html")]
    for bad in (b"7", b'"text"', b'{"body": "b"}', b'{"statusCode": 200, "multiValueHeaders": {"a": "b"}}', b"{"):
        with pytest.raises(BadAnswer):
            answer_1(bad)
    with pytest.raises(BadAnswer):
        answer_2(b'{"errorMessage": "x"}')
    assert answer_2(b'{"statusCode": 200, "errorMessage": "x", "body": "b"}').body == b"b"
    assert answer_2(b'"errorMessage"').body == b"errorMessage"
    assert answer_2(b'"text"') == HttpResponse(200, [("content-type", "application/json")], b"text")
    assert answer_2(b'{"statusCode": 200, "body": "b"}').headers == [("content-type", "text/plain;charset=UTF-8")]


ANSWERS: Any = st.dictionaries(
    st.sampled_from(["statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded", "cookies"]),
    st.none()
    | st.integers()
    | st.text(max_size=4)
    | st.dictionaries(st.text(max_size=3), st.lists(st.text(max_size=3)), max_size=2),
)


@settings(max_examples=100)
@given(ANSWERS | st.binary(max_size=20))
def test_no_answer_of_a_function_does_anything_else_than_be_taken_or_refused(told: Any) -> None:
    payload = told if isinstance(told, bytes) else json.dumps(told).encode()
    for read in (answer_1, answer_2):
        with contextlib.suppress(BadAnswer):
            assert 200 <= read(payload).status <= 599
