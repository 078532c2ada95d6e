"""What another server is told beside a message.

Source: API Gateway Developer Guide, "Set up a WebSocket API integration request".
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.model.websocket_mapping import problem, told

EVENT = {
    "requestContext": {"connectionId": "c1", "identity": {"sourceIp": "10.0.0.9"}, "connectedAt": 7},
    "stageVariables": {"v": "1"},
    "headers": {"X-Own": "mine"},
    "queryStringParameters": {"q": "asked"},
    "body": '{"a": {"b": [1, "x"]}}',
}


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("context.connectionId", "c1"),
        ("context.identity.sourceIp", "10.0.0.9"),
        ("context.connectedAt", "7"),
        ("stageVariables.v", "1"),
        ("route.request.header.x-own", "mine"),
        ("route.request.querystring.q", "asked"),
        ("route.request.body.a.b", '[1,"x"]'),
        ("route.request.body", EVENT["body"]),
        ("'as it is'", "as it is"),
        ("context.nothing.more", None),
        ("route.request.body.a.b.c", None),
        ("stageVariables.w", None),
    ],
)
def test_a_source_has_a_value_or_is_left_out(source: str, value: str | None) -> None:
    parameters = {"integration.request.header.X": source}
    assert problem(parameters) == ""
    assert told(parameters, EVENT).headers == ([] if value is None else [("x", value)])


def test_a_value_cannot_begin_another_header() -> None:
    event = {"body": '{"a": "x\\r\\nevil: 1"}', "requestContext": {}}
    parameters = {"integration.request.header.X": "route.request.body.a"}
    assert told(parameters, event).headers == [("x", "xevil: 1")]


@pytest.mark.parametrize(
    "parameters",
    [
        {"integration.request.header.Host": "'x'"},
        {"integration.request.body.x": "'x'"},
        {"header.x": "'x'"},
        {"integration.request.header.x": "context"},
        {"integration.request.header.x": "'unended"},
        {"integration.request.header.x y": "'x'"},
    ],
)
def test_what_cannot_be_set_or_read_is_a_problem(parameters: dict[str, str]) -> None:
    assert problem(parameters)


@given(
    destination=st.text(max_size=30) | st.text(alphabet="integrationrequestheaderquerystringpath.", max_size=40),
    source=st.text(max_size=30) | st.text(alphabet="contexroutequsbdyV'.", max_size=40),
    body=st.none() | st.text(max_size=20),
)
@settings(max_examples=100)
def test_any_parameters_are_a_problem_or_come_to_something(destination: str, source: str, body: str | None) -> None:
    found = problem({destination: source})
    result = told({destination: source}, {**EVENT, "body": body})
    assert not found or not any(result) or destination.lower().startswith("integration.request.header")
