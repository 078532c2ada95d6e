"""The pure parts of WebSocket APIs: ids, events, and answers.

Sources: behaviours section 22; API Gateway Developer Guide, "Lambda proxy integrations for WebSocket APIs".
"""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.gateway.http.websocket import Ending
from lambent.gateway.proxy_event import Facts
from lambent.gateway.websockets.answer import Failed, answer_of
from lambent.gateway.websockets.event import (
    Standing,
    authorizer_event,
    cased,
    connect_event,
    disconnect_event,
    message_event,
)
from lambent.gateway.websockets.ids import edge_of, new_connection_id
from lambent.ids import SystemIds
from lambent.model.http import HttpRequest

ARN = "arn:aws:execute-api:us-east-1:000000000000:api/prod/$connect"
FACTS = Facts("request-1", "10.0.0.9", "Root=1-2", 1_605_989_607_134)
STANDING = Standing("api", "000000000000", "prod", "api.execute-api.us-east-1.localhost", "L0SM9cOFvHcCIhw=",
                    1_605_989_607_133, "10.0.0.9", variables={"v": "1"})  # fmt: skip
OPENING = HttpRequest(
    "GET",
    "/prod",
    "a=1&a=2&b=",
    [
        ("host", "api.execute-api.us-east-1.localhost"),
        ("sec-websocket-key", "k"),
        ("x-two", "1"),
        ("x-two", "2"),
        ("cookie", "c=1"),
    ],
)


@given(edge=st.integers(0, 65_535))
@settings(max_examples=50)
def test_an_id_says_which_edge_holds_the_connection(edge: int) -> None:
    made = new_connection_id(edge, SystemIds())
    assert len(made) == 16
    assert made.endswith("=")
    assert edge_of(made) == edge


@given(text=st.text(max_size=20) | st.text(alphabet="AZaz09-_+/=", min_size=16, max_size=16))
@settings(max_examples=100)
def test_any_text_is_an_id_or_none(text: str) -> None:
    edge = edge_of(text)
    assert edge is None or 0 <= edge <= 65_535


def test_names_of_headers_are_written_as_aws_writes_them() -> None:
    assert [cased(name) for name in ("host", "sec-websocket-key", "x-amzn-trace-id", "x-forwarded-for")] == [
        "Host",
        "Sec-WebSocket-Key",
        "X-Amzn-Trace-Id",
        "X-Forwarded-For",
    ]


def test_the_event_of_connect_has_the_request_and_the_connection() -> None:
    event = connect_event(OPENING, STANDING, FACTS)
    assert event["headers"]["X-Two"] == "2"
    assert event["multiValueHeaders"]["X-Two"] == ["1", "2"]
    assert event["headers"]["Cookie"] == "c=1"
    assert event["headers"]["X-Forwarded-For"] == "10.0.0.9"
    assert event["queryStringParameters"] == {"a": "2", "b": ""}
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"], "b": [""]}
    assert event["stageVariables"] == {"v": "1"}
    assert event["isBase64Encoded"] is False
    assert event["requestContext"] == {
        "routeKey": "$connect",
        "eventType": "CONNECT",
        "extendedRequestId": "request-1",
        "requestTime": "21/Nov/2020:20:13:27 +0000",
        "messageDirection": "IN",
        "stage": "prod",
        "connectedAt": 1_605_989_607_133,
        "requestTimeEpoch": 1_605_989_607_134,
        "identity": {"sourceIp": "10.0.0.9"},
        "requestId": "request-1",
        "domainName": "api.execute-api.us-east-1.localhost",
        "connectionId": "L0SM9cOFvHcCIhw=",
        "apiId": "api",
    }


def test_the_events_of_messages_and_ends_have_their_own_members() -> None:
    message = message_event(STANDING, "join", "text", FACTS, "m1")
    assert set(message) == {"requestContext", "stageVariables", "body", "isBase64Encoded"}
    assert (message["requestContext"]["messageId"], message["requestContext"]["routeKey"]) == ("m1", "join")
    end = disconnect_event(STANDING, Ending(1005, "Client-side close frame status not set"), FACTS)
    assert end["requestContext"]["disconnectStatusCode"] == 1005
    assert end["requestContext"]["disconnectReason"] == "Client-side close frame status not set"
    assert end["headers"] == {
        "Host": "api.execute-api.us-east-1.localhost", "x-api-key": "", "X-Forwarded-For": "", "x-restapi": "",
    }  # fmt: skip
    asked = authorizer_event(OPENING, STANDING, FACTS, ARN)
    assert (asked["type"], asked["methodArn"]) == ("REQUEST", ARN)


@pytest.mark.parametrize(
    ("told", "status", "body"),
    [
        ({"statusCode": 200}, 200, b""),
        ({"statusCode": "401", "body": "no"}, 401, b"no"),
        ({"statusCode": 200, "body": "aGk=", "isBase64Encoded": True}, 200, b"hi"),
    ],
)
def test_what_a_function_says_is_read(told: dict[str, Any], status: int, body: bytes) -> None:
    answer = answer_of(json.dumps(told).encode())
    assert (answer.status, answer.body) == (status, body)


@given(
    told=st.none() | st.text(max_size=9) | st.dictionaries(
        st.sampled_from(["statusCode", "body", "headers", "isBase64Encoded"]),
        st.none() | st.integers(-1, 700) | st.text(max_size=5) | st.lists(st.integers(), max_size=2) | st.booleans(),
    )
)  # fmt: skip
@settings(max_examples=100)
def test_anything_else_is_its_fault(told: Any) -> None:
    status = 502
    try:
        status = answer_of(json.dumps(told).encode()).status
    except Failed as failed:
        status = failed.status
    assert 100 <= status <= 599
