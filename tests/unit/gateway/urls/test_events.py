"""Addresses of function URLs, and the events that are made of requests.

Source: behaviours section 22, "HTTP API / function URL (2.0)"; Lambda Developer Guide, "Invoking Lambda function URLs".
"""

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.gateway.proxy_event import Facts
from lambent.gateway.urls.address import UrlAddress, address_of
from lambent.gateway.urls.event import event_of
from lambent.model.http import HttpRequest
from lambent.model.principal import Principal

FACTS = Facts("r-1", "192.0.2.7", "Root=1-a", 1_659_687_279_885)
ADDRESS = UrlAddress("u", "us-east-1", "/a%20b", "u.lambda-url.us-east-1.localhost")
HEADERS = st.lists(
    st.tuples(st.text("abc-", min_size=1, max_size=8), st.text(st.characters(max_codepoint=255), max_size=20)),
    max_size=8,
)


def event(request: HttpRequest, facts: Facts = FACTS) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(event_of(request, ADDRESS, facts))
    return made


@pytest.mark.parametrize(
    ("host", "path", "address"),
    [
        ("u1.lambda-url.eu-west-1.localhost:4566", "/x", ("u1", "eu-west-1", "/x")),
        ("U1.lambda-url.eu-west-1.on.aws", "/", ("u1", "eu-west-1", "/")),
        ("u1.lambda-url.eu-west-1", "/", ("u1", "eu-west-1", "/")),
        ("localhost:4566", "/_aws/lambda-url/u1/a/b", ("u1", "", "/a/b")),
        ("localhost", "/_aws/lambda-url/u1", ("u1", "", "/")),
        ("localhost:4566", "/2015-03-31/functions", None),
        ("u1.lambda-url..localhost", "/", None),
        ("a.b.lambda-url.eu-west-1.localhost", "/", None),
        ("", "/", None),
        ("U1.Lambda-Url.eu-west-1.localhost", "/", ("u1", "eu-west-1", "/")),
        ("u1.lambda-url.eu-west-1.localhost", "/_aws/lambda-url/u2/", ("u1", "eu-west-1", "/_aws/lambda-url/u2/")),
        ("abc.execute-api.eu-west-1.localhost", "/_aws/lambda-url/u1/", None),
        ("pets.s3.localhost:4566", "/_aws/lambda-url/u1/", None),
        ("a.b.lambda-url.eu-west-1.localhost", "/_aws/lambda-url/u1/", None),
    ],
)
def test_a_url_is_addressed_by_host_or_by_path(host: str, path: str, address: tuple[str, str, str] | None) -> None:
    found = address_of(HttpRequest("GET", path, "", [("host", host)]))
    assert (found and found[:3]) == address


@settings(max_examples=50)
@given(st.text(max_size=60), st.text(max_size=60))
def test_any_host_and_path_is_an_address_or_is_not(host: str, path: str) -> None:
    address_of(HttpRequest("GET", path, "", [("host", host)]))
    address_of(HttpRequest("GET", "/_aws/lambda-url/" + path, "", [("host", "u.lambda-url." + host)]))


def test_an_anonymous_request_has_every_member_of_the_format() -> None:
    headers = [
        ("host", "u.lambda-url.us-east-1.localhost:4566"),
        ("x-two", "1"),
        ("x-two", "2"),
        ("cookie", "a=1; b=2"),
        ("cookie", "c=3"),
        ("user-agent", "test"),
        ("content-type", "application/json; charset=utf-8"),
    ]
    request = HttpRequest("PATCH", "/a%20b", "x=1&x=2&y=%C3%A9&z", headers, b'{"n": 1}')
    assert event(request) == {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/a%20b",
        "rawQueryString": "x=1&x=2&y=%C3%A9&z",
        "cookies": ["a=1", "b=2", "c=3"],
        "headers": {
            "host": "u.lambda-url.us-east-1.localhost:4566",
            "x-two": "1,2",
            "user-agent": "test",
            "content-type": "application/json; charset=utf-8",
            "x-forwarded-for": "192.0.2.7",
            "x-forwarded-proto": "http",
            "x-forwarded-port": "4566",
            "x-amzn-trace-id": "Root=1-a",
        },
        "queryStringParameters": {"x": "1,2", "y": "é", "z": ""},
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "u",
            "domainName": "u.lambda-url.us-east-1.localhost",
            "domainPrefix": "u",
            "http": {
                "method": "PATCH",
                "path": "/a%20b",
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.7",
                "userAgent": "test",
            },
            "requestId": "r-1",
            "routeKey": "$default",
            "stage": "$default",
            "time": "05/Aug/2022:08:14:39 +0000",
            "timeEpoch": 1_659_687_279_885,
        },
        "body": '{"n": 1}',
        "isBase64Encoded": False,
    }


def test_what_is_absent_is_left_out() -> None:
    made = event(HttpRequest("GET", "/", "", []))
    assert not {"cookies", "queryStringParameters", "body"} & set(made)
    assert "authorizer" not in made["requestContext"]


def test_a_signed_request_says_who_signed_it() -> None:
    principal = Principal("111111111111", "arn:aws:iam::111111111111:user/u", "AIDA")
    facts = Facts("r-1", "192.0.2.7", "", 0, principal, "AKIA")
    context = event(HttpRequest("GET", "/", "", []), facts)["requestContext"]
    assert context["accountId"] == "111111111111"
    assert context["authentication"] is None
    assert context["authorizer"]["iam"] == {
        "accessKey": "AKIA",
        "accountId": "111111111111",
        "callerId": "AIDA",
        "cognitoIdentity": None,
        "principalOrgId": None,
        "userArn": "arn:aws:iam::111111111111:user/u",
        "userId": "AIDA",
    }


@pytest.mark.parametrize(
    ("content_type", "body", "as_text"),
    [
        ("text/html", b"<p>", True),
        ("application/x-www-form-urlencoded", b"a=b", True),
        ("application/problem+json", b"{}", True),
        ("multipart/form-data; boundary=x", b"--x", False),
        ("image/png", b"\x89PNG", False),
        ("", b"{}", False),
        ("text/plain", b"\xff", False),
    ],
)
def test_a_body_is_text_or_base64(content_type: str, body: bytes, as_text: bool) -> None:
    made = event(HttpRequest("POST", "/", "", [("content-type", content_type)], body))
    assert made["isBase64Encoded"] is not as_text
    assert (made["body"].encode() if as_text else base64.b64decode(made["body"])) == body


@settings(max_examples=80)
@given(st.sampled_from(["GET", "POST"]), st.text(max_size=20), HEADERS, st.binary(max_size=40))
def test_any_request_makes_an_event_that_keeps_its_body(
    method: str, query: str, headers: list[tuple[str, str]], body: bytes
) -> None:
    made = event(HttpRequest(method, "/", query, headers, body))
    kept = made.get("body", "")
    assert (base64.b64decode(kept) if made["isBase64Encoded"] else kept.encode()) == body
    assert made["rawQueryString"] == query
    assert set(made["headers"]) >= {name for name, _ in headers}
